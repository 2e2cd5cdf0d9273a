import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createDispatching, until } from "./dispatching.ts";

/** What a dispatcher tells of a late reply. */
async function toldOf(t: TestContext, identity: string, { settings = {}, headers = {} }: Late = {}): Promise<unknown> {
  const { bus, names, lines } = await createDispatching(t, { settings });
  const properties = { messageId: identity, correlationId: identity, type: "msg.text", headers };
  const body = Buffer.from('{"type":"text","msg":"late"}');
  await bus.publish({ exchange: "", routingKey: names.lateReplies, body, properties }, { timeout: 1000 });
  const line = () => lines.find((text) => text.includes("late reply"));
  await until(() => line() !== undefined, "a line");
  assert.equal(await bus.depth(names.lateReplies), 0);
  return JSON.parse(line() ?? "");
}

interface Late {
  settings?: Record<string, unknown>;
  headers?: Record<string, unknown>;
}

test("a late reply of an account that this dispatcher does not know is dropped with a warning", async (t) => {
  assert.partialDeepStrictEqual(await toldOf(t, "other/oUSER/1"), {
    level: 40,
    identity: "other/oUSER/1",
    outcome: "dropped",
    reason: "no account of this config has such a service",
  });
});

test("a late reply that could not be sent for 48 hours, however often it was put aside, is not sent any more", async (t) => {
  const late = { settings: { "late-reply": "customer-service" } };
  const hours = 3_600_000;
  const headers = { "x-wx-late-since": Date.now() - 48 * hours - 1 };
  assert.partialDeepStrictEqual(await toldOf(t, "shop/oUSER/1", { ...late, headers }), {
    level: 40,
    identity: "shop/oUSER/1",
    outcome: "expired",
    reason: "it could not be sent for 48 hours",
  });
});
