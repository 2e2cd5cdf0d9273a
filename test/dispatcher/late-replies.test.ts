import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createWechatApi } from "../support/wechat-api-server.ts";
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

/** A dispatcher that sends late replies, and a way to give it one and to hear what became of it. */
async function createSending(t: TestContext) {
  const api = await createWechatApi(t);
  const settings = { "late-reply": "customer-service" };
  const dispatching = await createDispatching(t, { settings, top: { "wx-api-base": api.url } });
  const { bus, names, lines } = dispatching;
  const outcomes = () =>
    lines
      .filter((text) => text.includes(`"msg":"late reply"`))
      .map((text) => Object(JSON.parse(text)).outcome as string);
  const reply = async (msg: string, identity = "shop/oUSER/1"): Promise<string | undefined> => {
    const told = outcomes().length;
    const properties = { messageId: identity, correlationId: identity, type: "msg.text" };
    const body = Buffer.from(JSON.stringify({ type: "text", msg }));
    await bus.publish({ exchange: "", routingKey: names.lateReplies, body, properties }, { timeout: 1000 });
    await until(() => outcomes().length > told, "an outcome");
    return outcomes().at(-1);
  };
  return { ...dispatching, api, reply };
}

test("a second late reply to one push, long after the first one was sent, is not sent", async (t) => {
  const { api, reply } = await createSending(t);
  assert.deepEqual([await reply("one"), await reply("two")], ["sent", "duplicate"]);
  assert.equal(api.count("/cgi-bin/message/custom/send"), 1);
});

test("a late reply that is put aside is off its queue: it does not come again beside its copy", async (t) => {
  const { api, reply, dispatcher, bus, names } = await createSending(t);
  await api.stop();
  assert.equal(await reply("one"), "retry");
  await dispatcher.close();
  assert.deepEqual([await bus.depth(names.lateReplies), await bus.depth(names.retryOf("10s"))], [0, 1]);
});

for (const fault of [{ status: 502 }, { errcode: -1, errmsg: "system error" }, "reset"] as const) {
  test(`a late reply whose token WeChat refuses waits when there is no new one: ${JSON.stringify(fault)}`, async (t) => {
    const { api, reply, bus, names } = await createSending(t);
    await reply("before", "shop/oUSER/0");
    api.invalidateToken();
    api.fail("/cgi-bin/stable_token", fault);
    assert.equal(await reply("one"), "retry");
    assert.equal(await bus.depth(names.retryOf("10s")), 1);
  });
}

test("late replies that find the calls of a minute used up wait without further calls", async (t) => {
  const { api, reply, bus, names } = await createSending(t);
  api.fail("/cgi-bin/message/custom/send", { errcode: 45011, errmsg: "api minute-quota reach limit" });
  for (let i = 0; i < 8; i++) assert.equal(await reply("late", `shop/oUSER/${i}`), "retry");
  assert.equal(api.count("/cgi-bin/message/custom/send"), 5);
  assert.equal(await bus.depth(names.retryOf("10s")), 8);
});
