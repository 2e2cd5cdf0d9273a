import assert from "node:assert/strict";
import { test } from "node:test";
import { createHttpsServer } from "../support/https-server.ts";
import { createForwarding } from "./forward-account.ts";

test("an https backend that would speak HTTP/2: a connection that went silent costs one push, not those that follow", async (t) => {
  let silent = true;
  const server = await createHttpsServer(t, (request, response) => {
    if (!silent) response.end(`{"msg":"${request.httpVersion}"}`);
    silent = false;
  });
  const { send } = await createForwarding(t, { url: () => server.url, settings: { "backend-timeout": "1s" } });
  assert.deepEqual(await send(), { kind: "failed", error: "no answer in backend-timeout" });
  assert.deepEqual(await send(), { kind: "taken", reply: { type: "text", msg: "1.1" } });
  assert.equal(server.accepted, 2);
});
