import assert from "node:assert/strict";
import { test } from "node:test";
import { createDispatching } from "./dispatching.ts";

test("a late reply of an account that this dispatcher does not know is dropped with a warning", async (t) => {
  const { bus, names, lines } = await createDispatching(t);
  const properties = { messageId: "other/oUSER/1", correlationId: "other/oUSER/1", type: "msg.text" };
  const body = Buffer.from('{"type":"text","msg":"late"}');
  await bus.publish({ exchange: "", routingKey: names.lateReplies, body, properties }, { timeout: 1000 });
  let line: string | undefined;
  while (line === undefined) {
    await new Promise(setImmediate);
    line = lines.find((text) => text.includes("late reply"));
  }
  assert.partialDeepStrictEqual(JSON.parse(line), {
    level: 40,
    identity: "other/oUSER/1",
    outcome: "dropped",
    reason: "no account of this config has such a service",
  });
});
