import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import type { Channel } from "amqplib";
import { openChannel } from "../bridge/broker-channel.ts";
import { createSystem } from "../bridge/system.ts";
import { createBackend } from "../support/backend-server.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { assertQuiet, mark } from "./target.ts";

const pushOf = (id: number): string =>
  `<xml><ToUserName>gh</ToUserName><FromUserName>oFUZZ</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>hi</Content><MsgId>${id}</MsgId></xml>`;

const deep = "[".repeat(100_000) + "]".repeat(100_000);
const replies = [
  "",
  "null",
  "[]",
  "{",
  "success",
  deep,
  `{"articles":${deep},"msg":"a"}`,
  `{"type":"__proto__"}`,
  `{"msg":{"a":1}}`,
];

test("what a hostile consumer replies is answered in time, with success when it is none", async (t) => {
  const system = await createSystem(t, {
    bus: "rabbitmq",
    roles: ["gateway"],
    services: [{ name: "s", delivery: "amqp" }],
  });
  const channel = await openChannel(t);
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, `${system.prefix}.events`, "#");
  const bodies = [
    ...replies.map((text) => Buffer.from(text)),
    Buffer.from([0xff, 0xfe, 0]),
    Buffer.alloc(2 * 1024 * 1024, "a"),
  ];
  let body = Buffer.alloc(0);
  await channel.consume(queue, (message) => {
    if (message === null) return;
    const { replyTo, correlationId } = message.properties as { replyTo: string; correlationId: string };
    const publish = (options: object) => channel.publish(`${system.prefix}.replies`, replyTo, body, options);
    publish({});
    publish({ correlationId: mark, headers: { "x-wx-service": { a: [mark] }, "x-wx-deferred": "yes" } });
    publish({ correlationId: `a/b/%zz`, headers: { "x-wx-service": "__proto__", n: Number.MAX_VALUE } });
    publish({ correlationId, contentType: "\n", headers: { "x-wx-service": "x".repeat(50_000) } });
    publish({ correlationId });
  });
  for (const [id, each] of bodies.entries()) {
    body = each;
    const { status, opened } = await system.wechat("s").push(pushOf(id));
    assert.equal(status, 200);
    assert.ok(opened === "success" || parseReply(opened)["Content"] === "a", opened);
  }
  const outcomes = new Set(system.log.filter(({ msg }) => msg === "push").map(({ outcome }) => outcome));
  assert.ok(!outcomes.has("late"), "each is answered by the replies, not by the end of the budget");
  body = Buffer.from(`{"msg":"well"}`);
  assert.equal(parseReply((await system.wechat("s").push(pushOf(99))).opened)["Content"], "well");
  const said = JSON.stringify(
    system.log.map(({ identity, ...line }) => (identity === mark ? line : { ...line, identity })),
  );
  assertQuiet(said);
});

const foreign: [what: string, body: Buffer, options: object][] = [
  ["nothing", Buffer.alloc(0), {}],
  ["text", Buffer.from("hello"), { messageId: "a/b/c", type: "msg.text" }],
  ["bytes", Buffer.from([0, 0xff, 0xfe]), { headers: { "x-wx-attempt": "x", "x-wx-deadline": {}, traceparent: [1] } }],
  ["a timestamp that cannot be written", Buffer.from("[]"), { timestamp: 2 ** 63, type: "msg.text" }],
  ["headers too big to be written", Buffer.from("[]"), { type: "a.b", headers: { a: "x".repeat(65_460), b: [mark] } }],
  [
    "a deadline that cannot be written",
    Buffer.from("[]"),
    { type: "msg.text", headers: { "x-wx-deadline": { "!": "double", value: -1e300 } } },
  ],
  ["an identity with a line end", Buffer.from("{}"), { type: "msg.text", messageId: "a\nb" }],
];

test("messages that are not ours go to the dead letters at once, and what comes behind is worked on", async (t) => {
  const backend = await createBackend(t);
  const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "s", "msg-proxy-pass": backend.url }] });
  const channel = await openChannel(t);
  for (const [what, body, options] of foreign) {
    channel.publish(`${system.prefix}.events.s`, "msg.text", body, options);
    channel.sendToQueue(`${system.prefix}.dispatch.s`, body, options);
    const dead = await takeDead(channel, `${system.prefix}.dead`, 2);
    assert.deepEqual(dead, ["poison", "poison"], what);
  }
  assert.equal(backend.requests.length, 0);
  const { opened } = await system.wechat("s").push(pushOf(1));
  assert.equal(parseReply(opened)["Content"], "ok");
  assert.equal((await channel.checkQueue(`${system.prefix}.dispatch.s`)).messageCount, 0);
  assertQuiet(JSON.stringify(system.log));
  const retried = system.log.filter(({ reason }) => String(reason).startsWith("AMQP cannot carry"));
  assert.equal(retried.length, 4, "what cannot be written was dropped, each time at once");
});

test("a push whose time no timestamp can be is held all the same", async (t) => {
  const backend = await createBackend(t);
  const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "s", "msg-proxy-pass": backend.url }] });
  for (const [id, time] of ["-5", "9".repeat(30), "9".repeat(400), "1e5", "x"].entries()) {
    const { status, opened } = await system.wechat("s").push(pushOf(id).replace("1700000000", time));
    assert.equal(status, 200);
    assert.equal(parseReply(opened)["Content"], "ok", time);
  }
});

test("properties that are no UTF-8, and so are too long when they are written again, keep nobody waiting", async (t) => {
  const backend = await createBackend(t);
  const service = { name: "s", "msg-proxy-pass": backend.url, concurrency: 1 };
  const system = await createSystem(t, { bus: "rabbitmq", services: [service] });
  const channel = await openChannel(t);
  const { stream } = (channel as unknown as { connection: { stream: Socket } }).connection;
  const write = stream.write.bind(stream);
  stream.write = (bytes: Buffer) => write(bytes.map((byte) => (byte === "~".charCodeAt(0) ? 0xff : byte)));
  const long = "~".repeat(200);
  const push = { type: "msg.text", messageId: "s/o/1" };
  channel.sendToQueue(`${system.prefix}.dispatch.s`, Buffer.from("{}"), { ...push, replyTo: long });
  channel.sendToQueue(`${system.prefix}.dispatch.s`, Buffer.from("[]"), { ...push, appId: long, correlationId: long });
  channel.sendToQueue(`${system.prefix}.dispatch.s`, Buffer.from("{}"), { type: long, messageId: long });
  assert.deepEqual(await takeDead(channel, `${system.prefix}.dead`, 2), ["poison", "poison"]);
  const { opened } = await system.wechat("s").push(pushOf(1));
  assert.equal(parseReply(opened)["Content"], "ok");
  assert.equal(backend.requests.length, 2);
});

async function takeDead(channel: Channel, queue: string, count: number): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const done = new EventTarget();
  const { consumerTag } = await channel.consume(queue, (message) => {
    if (message === null) return;
    channel.ack(message);
    reasons.push(message.properties.headers?.["x-wx-reason"]);
    if (reasons.length === count) done.dispatchEvent(new Event("all"));
  });
  if (reasons.length < count) await once(done, "all", { signal: AbortSignal.timeout(10_000) });
  await channel.cancel(consumerTag);
  return reasons;
}
