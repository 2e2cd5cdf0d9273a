import assert from "node:assert/strict";
import { test } from "node:test";
import type { Channel, ConsumeMessage } from "amqplib";
import { createBackend } from "../support/backend-server.ts";
import { createArrivals, type Arrivals } from "../support/arrivals.ts";
import type { Closing } from "../support/loopback-server.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { event, openChannel, text } from "./consumer-kit.ts";
import { createSystem, type System } from "./system.ts";

const services = (settings: object = {}) => [
  { name: "one", delivery: "amqp", ...settings },
  { name: "two", delivery: "amqp", ...settings },
];
const contentOf = ({ opened }: { opened: string }): unknown => parseReply(opened)["Content"];

/** Subscribers by name: the exchange below the prefix, and the patterns it is bound with. */
const subscribers: Record<string, [exchange: string, ...patterns: string[]]> = {
  everything: ["events", "#"],
  "everything twice": ["events", "#", "*.*"],
  messages: ["events", "msg.*"],
  texts: ["events", "msg.text"],
  events: ["events", "event.#"],
  "clicks and pictures": ["events", "event.CLICK", "msg.image"],
  "location reports": ["events", "event.LOCATION"],
  "one's everything": ["events.one", "#"],
  "two's texts": ["events.two", "msg.text"],
  "three words": ["events", "*.*.*"],
};

const pushes: [service: string, key: string, body: string][] = [
  ["one", "msg.text", text("a")],
  ["two", "msg.text", text("b")],
  ["one", "msg.image", text("c").replace(">text<", ">image<")],
  ["one", "event.CLICK", event("CLICK")],
  ["two", "event.LOCATION", event("LOCATION")],
  ["two", "event.location", event("location")],
];

const expected: Record<string, string[]> = {
  everything: pushes.map(([service, key]) => `${service} ${key}`),
  "everything twice": pushes.map(([service, key]) => `${service} ${key}`),
  messages: ["one msg.text", "two msg.text", "one msg.image"],
  texts: ["one msg.text", "two msg.text"],
  events: ["one event.CLICK", "two event.LOCATION", "two event.location"],
  "clicks and pictures": ["one msg.image", "one event.CLICK"],
  "location reports": ["two event.LOCATION"],
  "one's everything": ["one msg.text", "one msg.image", "one event.CLICK"],
  "two's texts": ["two msg.text"],
  "three words": [],
};

test("ten subscribers with overlapping patterns each get exactly their set, once", async (t) => {
  const system = await createSystem(t, { bus: "rabbitmq", services: services({ reply: [] }) });
  const channel = await openChannel(t);
  const taken = new Map<string, Arrivals<ConsumeMessage>>();
  for (const [name, [exchange, ...patterns]] of Object.entries(subscribers)) {
    taken.set(name, await subscribe(channel, `${system.prefix}.${exchange}`, patterns));
  }
  for (const [service, , body] of pushes) {
    assert.equal((await system.wechat(service).push(body)).opened, "success");
  }
  await taken.get("everything")?.next(pushes.length);
  await taken.get("everything twice")?.next(pushes.length);
  await channel.checkExchange(`${system.prefix}.events`); // its answer comes behind every delivery
  const got = [...taken].map(([name, { all }]) => [name, all.map(nameOf)]);
  assert.deepEqual(Object.fromEntries(got), expected);
});

test("one subscriber replies, all have their copy; a later reply is counted and changes nothing", async (t) => {
  const system = await createSystem(t, { bus: "rabbitmq", services: services() });
  const channel = await openChannel(t);
  const silent = await subscribe(channel, `${system.prefix}.events.one`, ["#"]);
  const first = await subscribe(channel, `${system.prefix}.events`, ["msg.*"]);
  const answering = system.wechat("one").push(text("a"));
  const [message = assert.fail()] = await first.next();
  reply(channel, system, message, "the first");
  reply(channel, system, message, "the second");
  assert.equal(contentOf(await answering), "the first");
  reply(channel, system, message, "the third");
  await silent.next();
  await until(async () => {
    const counted = /wx_replies_total\{service="one",outcome="(\w+)"\} (\d+)/g;
    const outcomes = [...(await system.metrics()).matchAll(counted)].map(([, outcome, count]) => [outcome, count]);
    return JSON.stringify(Object.fromEntries(outcomes)) === '{"used":"1","duplicate":"2"}';
  }, "one reply used and two duplicates");
});

test("a durable subscriber that was away finds everything", async (t) => {
  const system = await createSystem(t, { bus: "rabbitmq", services: services({ reply: [] }) });
  const channel = await openChannel(t);
  const queue = await bindQueue(t, channel, system, "events", ["#"]);
  for (const [service, , body] of pushes) await system.wechat(service).push(body);
  const taken = consume(channel, queue);
  assert.deepEqual((await taken.next(pushes.length)).map(nameOf), expected["everything"]);
});

for (const type of ["classic", "quorum"]) {
  test(`a full ${type} queue that rejects: the dispatcher and the other subscribers go on, answered in time`, async (t) => {
    const backend = await createBackend(t);
    const shop = { name: "one", "msg-proxy-pass": backend.url };
    const system = await createSystem(t, { bus: "rabbitmq", services: [shop] });
    const channel = await openChannel(t);
    await fill(t, channel, system, "events", type);
    const other = await subscribe(channel, `${system.prefix}.events`, ["#"]);
    for (const content of ["a", "b", "c"]) {
      const answer = await system.wechat("one").push(text(content));
      assert.equal(contentOf(answer), "ok");
      assert.ok(answer.ms < 4900, `answered after ${answer.ms} ms`);
    }
    await until(async () => deliveries(system) === backend.requests.length, "every delivery's end");
    assert.deepEqual(identities(other), [...new Set(backend.requests.map(({ headers }) => headers["x-wx-event-id"]))]);
    // Every try of a publication leaves copies: three for the first push, one for those that follow.
    assert.ok(other.all.length <= 5, `${other.all.length} copies for 3 pushes`);
    assert.ok(backend.requests.length <= 8, `${backend.requests.length} requests for 3 pushes`);
  });

  test(`a full ${type} queue that rejects enriched events: the account goes on, and so do the other subscribers`, async (t) => {
    const backend = await createBackend(t);
    const shop = { name: "one", "msg-proxy-pass": backend.url, "fan-out": true };
    const system = await createSystem(t, { bus: "rabbitmq", services: [shop] });
    const channel = await openChannel(t);
    await fill(t, channel, system, "enriched", type);
    const other = await subscribe(channel, `${system.prefix}.enriched`, ["#"]);
    for (const content of ["a", "b", "c"]) {
      const answer = await system.wechat("one").push(text(content));
      assert.equal(contentOf(answer), "ok");
      assert.ok(answer.ms < 1000, `answered after ${answer.ms} ms`);
    }
    await until(async () => deliveries(system) === 3, "every delivery's end");
    assert.equal(backend.requests.length, 3);
    assert.deepEqual(identities(other), [...new Set(backend.requests.map(({ headers }) => headers["x-wx-event-id"]))]);
    assert.ok(other.all.length <= 9, `${other.all.length} copies for 3 pushes`);
  });

  test(`a full ${type} queue that rejects beside a consumer that replies: the push is held, the reply arrives`, async (t) => {
    const system = await createSystem(t, { bus: "rabbitmq", services: services() });
    const channel = await openChannel(t);
    await fill(t, channel, system, "events", type);
    const { queue } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(queue, `${system.prefix}.events.one`, "#");
    await channel.consume(queue, (message) => message && reply(channel, system, message, "replied"), { noAck: true });
    for (const content of ["a", "b"]) {
      const answer = await system.wechat("one").push(text(content));
      assert.equal(contentOf(answer), "replied");
      assert.ok(answer.ms < 2000, `answered after ${answer.ms} ms`);
    }
    const { messageCount } = await channel.checkQueue(`${system.prefix}.unrouted`);
    assert.equal(messageCount, 2, "what the full queue has missed is kept");
  });
}

function reply(channel: Channel, system: System, { properties }: ConsumeMessage, msg: string): void {
  const { replyTo, correlationId } = properties as { replyTo: string; correlationId: string };
  const body = Buffer.from(JSON.stringify({ type: "text", msg }));
  channel.publish(`${system.prefix}.replies`, replyTo, body, { correlationId });
}

function deliveries({ log }: System): number {
  return log.filter(({ msg }) => msg === "delivery").length;
}

/** Those of the messages, each once, in their order. */
function identities({ all }: Arrivals<ConsumeMessage>): unknown[] {
  return [...new Set(all.map(({ properties }) => properties.messageId as unknown))];
}

/** A queue of the test's own that takes one message and refuses all others. */
async function fill(t: Closing, channel: Channel, system: System, exchange: string, type: string): Promise<string> {
  const limits = { "x-queue-type": type, "x-max-length": 1, "x-overflow": "reject-publish" };
  const queue = await bindQueue(t, channel, system, exchange, ["#"], limits);
  // A quorum queue goes a little beyond its limit.
  for (let i = 0; i < 3; i++) channel.sendToQueue(queue, Buffer.from("{}"));
  await until(async () => (await channel.checkQueue(queue)).messageCount > 0, "a full queue");
  return queue;
}

async function bindQueue(
  t: Closing,
  channel: Channel,
  system: System,
  exchange: string,
  patterns: string[],
  limits: object = { "x-queue-type": "quorum" },
): Promise<string> {
  const queue = `${system.prefix}-subscriber`;
  await channel.assertQueue(queue, { durable: true, arguments: limits });
  t.after(async () => void (await (await openChannel(t)).deleteQueue(queue)));
  for (const pattern of patterns) await channel.bindQueue(queue, `${system.prefix}.${exchange}`, pattern);
  return queue;
}

async function subscribe(channel: Channel, exchange: string, patterns: string[]): Promise<Arrivals<ConsumeMessage>> {
  const { queue } = await channel.assertQueue("", { exclusive: true });
  for (const pattern of patterns) await channel.bindQueue(queue, exchange, pattern);
  return consume(channel, queue);
}

function consume(channel: Channel, queue: string): Arrivals<ConsumeMessage> {
  const messages = createArrivals<ConsumeMessage>("messages");
  void channel.consume(queue, (message) => message && messages.add(message), { noAck: true });
  return messages;
}

function nameOf({ properties: { headers, type } }: ConsumeMessage): string {
  return `${String(headers?.["x-wx-service"])} ${String(type)}`;
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 10_000; !(await isSo());) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
