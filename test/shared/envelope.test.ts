import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery, Properties } from "../../shared/bus/bus.ts";
import { eventProperties, readEvent, replyMessage } from "../../shared/envelope.ts";
import { parsePush } from "../../shared/wechat/push.ts";

const push = parsePush(
  Buffer.from(
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1348831860</CreateTime><MsgType>text</MsgType><MsgId>7</MsgId></xml>",
  ),
  "shop",
);

function end(): void {}

function delivery(properties: Properties, routingKey = "msg.text"): Delivery {
  const body = Buffer.from("{}");
  return {
    exchange: "wx.events.shop",
    routingKey,
    redelivered: false,
    isGone: () => false,
    body,
    properties,
    ack: end,
    acked: async () => {},
    requeue: end,
    reject: end,
  };
}

test("an event's properties are those of the AMQP contract, version 1", () => {
  const deadline = Date.now() + 4500;
  const { headers = {}, ...properties } = eventProperties(push, { appId: "wx1", deadline, replyTo: "wx.replies.i" });
  assert.deepEqual(properties, {
    contentType: "application/json",
    messageId: "shop/o1/7",
    correlationId: "shop/o1/7",
    replyTo: "wx.replies.i",
    timestamp: 1348831860,
    type: "msg.text",
    appId: "wx1",
  });
  const { "x-wx-budget": budget, traceparent, ...others } = headers;
  assert.deepEqual(others, {
    "x-wx-contract": 1,
    "x-wx-service": "shop",
    "x-wx-deadline": deadline,
    "x-wx-attempt": 1,
  });
  assert.ok(Number.isInteger(budget) && Number(budget) > 4000 && Number(budget) <= 4500, String(budget));
  assert.match(String(traceparent), /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]$/);
});

test("each event begins a trace of its own", () => {
  const options = { appId: "", deadline: 0, replyTo: undefined };
  const [first, second] = [eventProperties(push, options), eventProperties(push, options)];
  assert.notEqual(first.headers?.["traceparent"], second.headers?.["traceparent"]);
});

test("nobody waits: no reply_to; a deadline that is over leaves a budget of 0", () => {
  const properties = eventProperties(push, { appId: "wx1", deadline: Date.now() - 1, replyTo: undefined });
  assert.ok(!("replyTo" in properties));
  assert.equal(properties.headers?.["x-wx-budget"], 0);
});

test("what was published is read back", () => {
  const now = Date.now();
  const properties = eventProperties(push, { appId: "wx1", deadline: now + 4000, replyTo: "q" });
  const event = readEvent(delivery(properties, "wx.dispatch.shop"), now);
  assert.deepEqual(
    { ...event, deadline: Math.abs(event.deadline - now - 4000) < 50, traceparent: typeof event.traceparent },
    {
      identity: "shop/o1/7",
      service: "shop",
      routingKey: "msg.text",
      attempt: 1,
      deadline: true,
      replyTo: "q",
      traceparent: "string",
      body: Buffer.from("{}"),
    },
  );
});

const deadlines: [name: string, headers: Record<string, unknown>, deadline: number][] = [
  ["the budget is less", { "x-wx-deadline": 9000, "x-wx-budget": 300, "x-wx-attempt": 1 }, 1300],
  ["the deadline is nearer", { "x-wx-deadline": 1200, "x-wx-budget": 4500, "x-wx-attempt": 1 }, 1200],
  ["a retry goes by the deadline", { "x-wx-deadline": 9000, "x-wx-budget": 300, "x-wx-attempt": 2 }, 9000],
  ["64-bit numbers", { "x-wx-deadline": 9000n, "x-wx-budget": 300n }, 1300],
  ["none told", {}, 1000],
  ["no numbers", { "x-wx-deadline": "soon", "x-wx-budget": Number.NaN }, 1000],
];
for (const [name, headers, deadline] of deadlines) {
  test(`deadline: ${name}`, () => assert.equal(readEvent(delivery({ headers }), 1000).deadline, deadline));
}

test("whatever a stranger left out gets a harmless value", () => {
  const { body, deadline, ...event } = readEvent(delivery({}));
  assert.deepEqual([body.toString(), typeof deadline], ["{}", "number"]);
  assert.deepEqual(event, {
    identity: "",
    service: "",
    routingKey: "msg.text",
    attempt: 1,
    replyTo: undefined,
    traceparent: undefined,
  });
  for (const [attempt, expected] of [
    [0, 1],
    [-5, 1],
    [2.9, 2],
    ["3", 1],
    [4n, 4],
  ] as const) {
    assert.equal(readEvent(delivery({ headers: { "x-wx-attempt": attempt } })).attempt, expected);
  }
  assert.equal(readEvent(delivery({ headers: { "x-wx-service": 5, traceparent: {} } })).service, "");
});

test("a reply goes to the exchange of replies under the reply queue's name", () => {
  const event = { identity: "shop/o1/7", service: "shop", routingKey: "msg.text" };
  const body = Buffer.from(`{"type":"text","msg":"hi"}`);
  const properties = {
    contentType: "application/json",
    messageId: "shop/o1/7",
    correlationId: "shop/o1/7",
    type: "msg.text",
    headers: { "x-wx-contract": 1, "x-wx-service": "shop" },
  };
  assert.deepEqual(replyMessage(event, "wx.replies", "wx.replies.i", body), {
    exchange: "wx.replies",
    routingKey: "wx.replies.i",
    body,
    properties,
  });
  const deferred = replyMessage(event, "wx.replies", "wx.replies.i", body, { deferred: true });
  assert.deepEqual(deferred.properties.headers, { ...properties.headers, "x-wx-deferred": true });
});
