import assert from "node:assert/strict";
import { test } from "node:test";
import { createDemoAccount, demoConfig } from "../../cli/demo.ts";

test("the demo is reached from this machine alone, with a token and a key of its own at every start", async () => {
  const [one, another] = [createDemoAccount(), createDemoAccount()];
  assert.notEqual(one.token, another.token);
  assert.notEqual(one.aesKey, another.aesKey);
  const { config, warnings } = await demoConfig(one, {});
  assert.deepEqual([config.listenHost, config.internalListenHost, warnings], ["127.0.0.1", "127.0.0.1", []]);
});
