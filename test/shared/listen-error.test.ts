import assert from "node:assert/strict";
import { test } from "node:test";
import { explainListenError } from "../../shared/listen-error.ts";

const address = { host: "", port: 80 };

test("a port that the system keeps to itself: the setting and what to do", () => {
  const refusal = Object.assign(new Error("listen EACCES"), { code: "EACCES", syscall: "listen" });
  for (const [listener, setting] of [
    ["public", "LISTEN_PORT (listen-port)"],
    ["internal", "INTERNAL_LISTEN_PORT (internal-listen-port)"],
  ] as const) {
    assert.throws(() => explainListenError(listener, address)(refusal), {
      code: "CONFIG_INVALID",
      message: `port 80 is not for this user (EACCES): set ${setting} to 1024 or above, or grant the right to it`,
    });
  }
});

test("what is no fault of the address stays as it is", () => {
  const other = new Error("a plugin's");
  assert.throws(() => explainListenError("public", address)(other), other);
});
