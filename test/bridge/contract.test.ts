import assert from "node:assert/strict";
import { test } from "node:test";
import type { Channel, ConsumeMessage } from "amqplib";
import { pino } from "pino";
import { runBridge } from "../../cli/run.ts";
import { pushes, type PushFixture } from "../fixtures/pushes.ts";
import { createArrivals } from "../support/arrivals.ts";
import { createBackend, createHeldAnswer } from "../support/backend-server.ts";
import { document, documentedPointer, faultsOf, identify } from "../support/contract-document.ts";
import { createWechatApi } from "../support/wechat-api-server.ts";
import { openChannel } from "./broker-channel.ts";
import { createSystem } from "./system.ts";

let serial = 0;

const text = (user = "oUSER1"): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>${user}</FromUserName><CreateTime>1700000001</CreateTime>
<MsgType>text</MsgType><Content>x</Content><MsgId>${5_000_000 + serial++}</MsgId></xml>`;

void test("every push as an event: one message of the committed document fits, and it is the right one", async (t) => {
  const settings = { delivery: "amqp", reply: [] };
  const services = [
    { name: "account", ...settings },
    { name: "store", "is-channels-ec": true, ...settings },
  ];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const channel = await openChannel(t);
  const events = await tap(channel, exchangeName("events", system.prefix), "#");
  for (const push of pushes) await system.wechat(push.store ? "store" : "account").push(push.body);
  const messages = await events.take(pushes.length);
  for (const push of pushes) assertFits(push, messages);
});

function assertFits(push: PushFixture, messages: ConsumeMessage[]): void {
  const sent = messages.filter(({ properties }) => properties.type === push.routingKey);
  const message = sent.find(({ content }) => sameBody(content.toString(), push));
  assert.ok(message, push.name);
  const expected = Object.hasOwn(document.components.messages, push.routingKey) ? push.routingKey : "other";
  assert.equal(identify("events", message), expected, push.name);
  const pointer = push.format === "xml" || push.store ? documentedPointer(push.routingKey) : undefined;
  if (pointer !== undefined) assert.deepEqual(faultsOf(pointer, JSON.parse(message.content.toString())), [], push.name);
}

function sameBody(body: string, { json }: PushFixture): boolean {
  return typeof json === "string"
    ? body === json
    : JSON.stringify(sorted(JSON.parse(body))) === JSON.stringify(sorted(json));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  );
}

void test("events, enriched events, replies, retry copies, dead letters and unrouted pushes fit the committed document", async (t) => {
  const api = await createWechatApi(t);
  const backend = await createBackend(t);
  const failing = await createBackend(t, { status: 500 });
  const system = await createSystem(t, {
    bus: "rabbitmq",
    settings: { "dont-append-userinfo": false, "wx-api-base": api.url },
    services: [
      { name: "consumed", delivery: "amqp" },
      { name: "shop", "fan-out": true, "msg-proxy-pass": backend.url },
      { name: "dying", "msg-proxy-pass": failing.url, retry: ["100ms"] },
      { name: "waiting", "msg-proxy-pass": failing.url, retry: ["1h"] },
    ],
  });
  const name = (channel: string) => exchangeName(channel, system.prefix);
  const channel = await openChannel(t);

  assert.equal((await system.wechat("consumed").push(text())).opened, "success");
  const unrouted = await channel.get(queueName("unrouted", system.prefix), { noAck: true });
  assert.equal(unrouted && identify("unrouted", unrouted), "msg.text");

  const events = await tap(channel, name("events"), "#");
  const enriched = await tap(channel, name("enriched"), "#");
  const answering = system.wechat("consumed").push(text());
  const [event] = await events.take(1);
  const { replyTo, correlationId } = event.properties as { replyTo: string; correlationId: string };
  assert.match(
    replyTo,
    new RegExp(`^${queueName("replyQueue", system.prefix).replace("{instance}", "[0-9a-f]{32}")}$`),
  );
  const replies = await tap(channel, name("replies"), replyTo);
  channel.publish(name("replies"), replyTo, Buffer.from('{"type":"text","msg":"hi"}'), { correlationId });
  assert.notEqual((await answering).opened, "success");
  assert.deepEqual([identify("events", event), identify("replies", (await replies.take(1))[0])], ["msg.text", "reply"]);

  await system.wechat("shop").push(text());
  const [withUserInfo] = await enriched.take(1);
  assert.equal(identify("enriched", withUserInfo), "msg.text");
  assert.ok((JSON.parse(withUserInfo.content.toString()) as { userInfo?: object }).userInfo);
  assert.equal(identify("replies", (await replies.take(1))[0]), "reply");

  const copies = await tap(channel, name("retry").replace("{delay}", "100ms"), "");
  await system.wechat("dying").push(text());
  assert.equal(identify("retry", (await copies.take(1))[0]), "retry");
  const dead = collect(channel, queueName("dead", system.prefix));
  const [letter] = await dead.take(1);
  assert.equal(identify("dead", letter), "deadLetter");
  assert.equal((letter.properties.headers as Record<string, unknown>)["x-wx-reason"], "exhausted");
  await replies.take(1);

  await system.wechat("waiting").push(text());
  const [deferred] = await replies.take(1);
  assert.equal(identify("replies", deferred), "reply");
  assert.equal((deferred.properties.headers as Record<string, unknown>)["x-wx-deferred"], true);
  await channel.deleteQueue(`${system.prefix}.retry.1h`);
});

void test("late replies fit the committed document, before and after they were put aside", async (t) => {
  const api = await createWechatApi(t);
  const { handler, release } = createHeldAnswer({ body: { type: "text", msg: "late" } });
  const backend = await createBackend(t, handler);
  const service = {
    name: "shop",
    "msg-proxy-pass": backend.url,
    "reply-budget": 500,
    "late-reply": "customer-service",
  };
  const settings = { "wx-api-base": api.url };
  const system = await createSystem(t, { bus: "rabbitmq", roles: ["gateway"], services: [service], settings });
  const channel = await openChannel(t);
  // Consuming before the dispatcher does, it alone is given what comes, until it cancels.
  const late = collect(channel, queueName("lateReplies", system.prefix), { noAck: false });
  await late.ready;
  await api.stop();
  const dispatcher = await runBridge("dispatcher", system.config, pino({ enabled: false }));
  t.after(() => dispatcher.close());
  await system.wechat("shop").push(text());
  release();
  const [first] = await late.take(1);
  assert.equal(identify("lateReplies", first), "lateReply");
  assert.ok((first.properties.headers as Record<string, unknown>)["x-death"], "it came through its gateway's queue");

  const copies = await tap(channel, exchangeName("retry", system.prefix).replace("{delay}", "10s"), "");
  await late.cancel();
  channel.nack(first);
  const [postponed] = await copies.take(1);
  assert.equal(identify("retry", postponed), "lateReply");
  assert.ok((postponed.properties.headers as Record<string, unknown>)["x-wx-late-since"]);
});

void test("queues and exchanges are declared with the document's arguments, and both roles serve the document", async (t) => {
  const services = [{ name: "shop", "fan-out": true, "msg-proxy-pass": "http://127.0.0.1:9", retry: ["100ms"] }];
  const system = await createSystem(t, { bus: "rabbitmq", roles: ["gateway"], services });
  const channel = await openChannel(t);
  const real = (name: string) =>
    name.replace(/^wx\./, `${system.prefix}.`).replace("{service}", "shop").replace("{delay}", "100ms");
  for (const { bindings } of Object.values(document.channels)) {
    const { exchange, queue } = bindings.amqp;
    const text = JSON.stringify(exchange?.["x-arguments"] ?? queue?.["x-arguments"] ?? {});
    const given = JSON.parse(text.replaceAll('"wx.', `"${system.prefix}.`).replace('"{delay}"', "100")) as object;
    // The broker refuses (406) what is not the same as before.
    if (exchange) await channel.assertExchange(real(exchange.name), exchange.type, { durable: true, arguments: given });
    else if (queue && !queue.name.includes("{instance}"))
      await channel.assertQueue(real(queue.name), { durable: true, arguments: given });
  }
  const dispatcher = await runBridge("dispatcher", system.config, pino({ enabled: false }));
  t.after(() => dispatcher.close());
  for (const { internalPort } of [system.gateway, dispatcher]) {
    const served = await fetch(`http://127.0.0.1:${internalPort}/asyncapi.json`);
    assert.equal(served.headers.get("content-type"), "application/json; charset=utf-8");
    assert.deepEqual(
      JSON.parse((await served.text()).replaceAll(`"${system.prefix}.`, '"wx.')),
      document,
      "the same as the committed one, with this config's prefix",
    );
  }
});

function exchangeName(channel: string, prefix: string): string {
  const { exchange, queue } = document.channels[channel]?.bindings.amqp ?? {};
  return (exchange ?? queue)?.name.replace(/^wx\./, `${prefix}.`) ?? "";
}

function queueName(channel: string, prefix: string): string {
  return document.channels[channel]?.bindings.amqp.queue?.name.replace(/^wx\./, `${prefix}.`) ?? "";
}

interface Tap {
  /** Resolves when the broker has the consumer. */
  ready: Promise<unknown>;
  /** The next messages not handed out yet; rejects after 10 s. */
  take(count: number): Promise<[ConsumeMessage, ...ConsumeMessage[]]>;
  cancel(): Promise<void>;
}

/** Copies of what an exchange gets under a key. */
async function tap(channel: Channel, exchange: string, key: string): Promise<Tap> {
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, exchange, key);
  const tapped = collect(channel, queue);
  await tapped.ready;
  return tapped;
}

function collect(channel: Channel, queue: string, options = { noAck: true }): Tap {
  const messages = createArrivals<ConsumeMessage>(`messages of ${queue}`);
  const consuming = channel.consume(queue, (message) => void (message && messages.add(message)), options);
  return {
    ready: consuming,
    take: async (count) => (await messages.next(count)) as [ConsumeMessage, ...ConsumeMessage[]],
    cancel: async () => void (await channel.cancel((await consuming).consumerTag)),
  };
}
