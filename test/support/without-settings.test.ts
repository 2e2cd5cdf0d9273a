import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutSettings } from "./without-settings.ts";

test("every variable that wins over the config file is left out, and no other", () => {
  const settings = [
    "AMQP_URL",
    "CONF_FILE",
    "DATA_DIR",
    "INTERNAL_LISTEN_PORT",
    "LISTEN_PORT",
    "LOG_LEVEL",
    "WX_API_BASE",
  ];
  const env = Object.fromEntries(settings.map((name) => [name, "x"]));
  assert.deepEqual(withoutSettings({ PATH: "/bin", ...env, HOME: "/root" }), { PATH: "/bin", HOME: "/root" });
});
