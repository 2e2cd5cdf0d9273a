import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConsumeMessage } from "amqplib";
import type { Arrivals } from "../support/arrivals.ts";
import { until } from "../support/until.ts";
import { contentOf } from "../support/wechat-reply.ts";
import { openChannel } from "./broker-channel.ts";
import { event, text } from "./consumer-kit.ts";
import { bindQueue, consume, reply, subscribe } from "./subscribers.ts";
import { createSystem } from "./system.ts";

const services = (settings: object = {}) => [
  { name: "one", delivery: "amqp", ...settings },
  { name: "two", delivery: "amqp", ...settings },
];
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

test("without a backend, what no queue is bound for at wx.enriched is kept in wx.unrouted as it was pushed", async (t) => {
  const settings = { "fan-out": true, reply: [] };
  const system = await createSystem(t, { bus: "rabbitmq", services: services(settings) });
  const channel = await openChannel(t);
  const clicks = await subscribe(channel, `${system.prefix}.enriched`, ["event.CLICK"]);
  const pushed = await subscribe(channel, `${system.prefix}.events`, ["#"]);
  const unrouted = consume(channel, `${system.prefix}.unrouted`);
  await system.wechat("one").push(text("a"));
  await system.wechat("one").push(event("CLICK"));
  const [kept] = await unrouted.next();
  await clicks.next();
  const [given] = await pushed.next();
  assert.deepEqual([kept?.content, kept?.properties], [given?.content, given?.properties]);
  await until(async () => system.log.filter(({ msg }) => msg === "delivery").length === 2, "both deliveries' end");
  const outcomes = system.log.filter(({ msg }) => msg === "delivery").map(({ key, outcome }) => [key, outcome]);
  assert.deepEqual(Object.fromEntries(outcomes), { "msg.text": "unrouted", "event.CLICK": "fanned-out" });
  await channel.checkExchange(`${system.prefix}.events`); // its answer comes behind every delivery
  assert.equal(unrouted.all.length, 1);
});

function nameOf({ properties: { headers, type } }: ConsumeMessage): string {
  return `${String(headers?.["x-wx-service"])} ${String(type)}`;
}
