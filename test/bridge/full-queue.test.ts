import assert from "node:assert/strict";
import { test } from "node:test";
import type { Channel, ConsumeMessage } from "amqplib";
import type { Arrivals } from "../support/arrivals.ts";
import { createBackend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { until } from "../support/until.ts";
import { contentOf } from "../support/wechat-reply.ts";
import { openChannel } from "./broker-channel.ts";
import { text } from "./consumer-kit.ts";
import { bindQueue, reply, subscribe } from "./subscribers.ts";
import { createSystem, type System } from "./system.ts";

for (const type of ["classic", "quorum"]) {
  test(`a full ${type} queue that rejects: the dispatcher and the other subscribers go on, answered in time`, async (t) => {
    const backend = await createBackend(t);
    const shop = { name: "one", "msg-proxy-pass": backend.url };
    const system = await createSystem(t, { bus: "rabbitmq", services: [shop] });
    const channel = await openChannel(t);
    await fill(t, channel, system, "events", type);
    const other = await subscribe(channel, `${system.prefix}.events`, ["#"]);
    for (const content of ["a", "b", "c"]) {
      assert.equal(contentOf(await system.wechat("one").push(text(content))), "ok");
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
      assert.equal(contentOf(await system.wechat("one").push(text(content))), "ok");
    }
    await until(async () => deliveries(system) === 3, "every delivery's end");
    assert.equal(backend.requests.length, 3);
    assert.deepEqual(identities(other), [...new Set(backend.requests.map(({ headers }) => headers["x-wx-event-id"]))]);
    assert.ok(other.all.length <= 9, `${other.all.length} copies for 3 pushes`);
  });

  test(`a full ${type} queue that rejects enriched events of an account without a backend: they are kept`, async (t) => {
    const shop = { name: "one", delivery: "amqp", "fan-out": true };
    const system = await createSystem(t, { bus: "rabbitmq", services: [shop] });
    const channel = await openChannel(t);
    await fill(t, channel, system, "enriched", type);
    const { queue } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(queue, `${system.prefix}.enriched.one`, "#");
    await channel.consume(queue, (message) => message && reply(channel, system, message, "replied"), { noAck: true });
    for (const content of ["a", "b"]) {
      assert.equal(contentOf(await system.wechat("one").push(text(content))), "replied");
    }
    await until(async () => deliveries(system) === 2, "every delivery's end");
    const { messageCount } = await channel.checkQueue(`${system.prefix}.unrouted`);
    assert.equal(messageCount, 2, "what the full queue has missed is kept");
  });

  test(`a full ${type} queue that rejects beside a consumer that replies: the push is held, the reply arrives`, async (t) => {
    const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "one", delivery: "amqp" }] });
    const channel = await openChannel(t);
    await fill(t, channel, system, "events", type);
    const { queue } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(queue, `${system.prefix}.events.one`, "#");
    await channel.consume(queue, (message) => message && reply(channel, system, message, "replied"), { noAck: true });
    for (const content of ["a", "b"]) {
      assert.equal(contentOf(await system.wechat("one").push(text(content))), "replied");
    }
    const { messageCount } = await channel.checkQueue(`${system.prefix}.unrouted`);
    assert.equal(messageCount, 2, "what the full queue has missed is kept");
  });
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
