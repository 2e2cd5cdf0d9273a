import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "amqplib";
import { replyTopology } from "../../../shared/bus/bridge-topology.ts";
import type { Delivery } from "../../../shared/bus/bus.ts";
import { createNames } from "../../../shared/bus/names.ts";
import { createArrivals } from "../../support/arrivals.ts";
import { classic, createBench, eventually, toQueue, untilReady } from "./bench.ts";
import { createAmqpTestBus } from "./amqp-test-bus.ts";
import { busContract } from "./contract.ts";

const url = process.env["AMQP_URL"] ?? "amqp://127.0.0.1";

busContract("RabbitMQ bus", (t) => createAmqpTestBus(t, [url]));

test("what AMQP cannot carry is refused at once, and the bus lives on", async (t) => {
  const { declareQueue, publish, send } = createBench(await createAmqpTestBus(t, [url]));
  const queue = await declareQueue();
  await assert.rejects(publish({ exchange: "amq.topic", routingKey: "k".repeat(300) }), { code: "NACKED" });
  const headers = { "x-function": () => {} };
  await assert.rejects(publish({ routingKey: queue, properties: { headers } }), { code: "NACKED" });
  await send(queue, "x");
});

/** An exchange `x` with a queue that refuses and another one that does not. */
async function createHalfFull(t: TestContext) {
  const { bus, name, declare, publish } = createBench(await createAmqpTestBus(t, [url]));
  const full = classic(name("full"), { "x-max-length": 0, "x-overflow": "reject-publish" });
  await declare({
    exchanges: [{ name: name("x"), type: "fanout" }],
    queues: [full, classic(name("other"))],
    bindings: [toQueue(name("x"), name("full")), toQueue(name("x"), name("other"))],
  });
  return { bus, name, publish };
}

test("what a queue refuses is tried so often and no more: each try is a copy for the others", async (t) => {
  const { bus, name, publish } = await createHalfFull(t);
  for (const tries of [1, 3]) {
    await assert.rejects(publish({ exchange: name("x") }, { tries, timeout: 20_000 }), { code: "NACKED" });
  }
  const copies = async (): Promise<number> => (await bus.depth(name("other"))) ?? 0;
  await eventually("the last copy is there", async () => (await copies()) >= 4); // the refusal may be told before
  assert.equal(await copies(), 4);
});

test("a publish that a queue goes on refusing ends when the bus is closed", async (t) => {
  const { bus, name, publish } = await createHalfFull(t);
  const publishing = publish({ exchange: name("x") }, { tries: Infinity, timeout: 300_000 }).catch(({ code }) => code);
  await eventually("it is refused twice", async () => ((await bus.depth(name("other"))) ?? 0) >= 2);
  await bus.close();
  assert.equal(await Promise.race([publishing, sleep(10_000, "no end", { ref: false })]), "NOT_HELD");
});

test("what is on its way to a consumer that is cancelled goes to the next one at once", async (t) => {
  const { bus, declareQueue, send, consume } = createBench(await createAmqpTestBus(t, [url]));
  const queue = await declareQueue();
  await send(queue, "1", "2", "3");
  const taken: string[] = [];
  const consumer = bus.consume(queue, { prefetch: 10 }, ({ body }) => {
    taken.push(body.toString());
    void consumer.cancel();
  });
  await untilReady(bus);
  assert.deepEqual(await consume(queue).take(2), ["2", "3"]);
  assert.deepEqual(taken, ["1"]);
});

test("a consumer cancelled before its channel is there does not begin to consume, which would send deliveries round", async (t) => {
  const bus = await createAmqpTestBus(t, [url]);
  const queue = await createBench(bus).declareQueue();
  const consumer = bus.consume(queue, { prefetch: 10 }, () => {});
  await consumer.cancel();
  await consumer.started(10_000);
  const connection = await connect(url);
  const { consumerCount } = await (await connection.createChannel()).checkQueue(queue);
  await connection.close();
  assert.equal(consumerCount, 0);
});

test("an exchange of replies that is there with other arguments keeps no gateway from its replies", async (t) => {
  const bus = await createAmqpTestBus(t, [url]);
  const { prefix, declare, publish } = createBench(bus);
  const names = createNames(prefix);
  await declare({ exchanges: [{ name: names.replies, type: "direct" }] });
  const replies = createArrivals<Delivery>("replies");
  const lost: string[] = [];
  const own = {
    topology: replyTopology(names, "me"),
    declareEvery: 20,
    patience: 1000,
    onLost: () => lost.push("lost"),
  };
  const queue = names.repliesOf("me");
  await bus.consume(queue, { prefetch: 1, own }, (delivery) => replies.add(delivery)).started(2000);
  await publish({ exchange: names.replies, routingKey: queue, body: Buffer.from("reply") });
  assert.equal((await replies.next())[0]?.body.toString(), "reply");
  assert.deepEqual(lost, []);
  await bus.deleteQueue(queue).catch(() => {});
});

test("a round trip of publish, consume, publish a reply, consume takes no Nagle pause", async (t) => {
  const { bus, declareQueue, send, consume } = createBench(await createAmqpTestBus(t, [url]));
  const [requests, replies] = [await declareQueue("requests"), await declareQueue("replies")];
  bus.consume(requests, { prefetch: 10 }, (delivery) => {
    // The last one is still unconfirmed when the test ends.
    send(replies, "reply").then(
      () => delivery.ack(),
      () => {},
    );
  });
  const answers = consume(replies);
  await untilReady(bus);
  const times: number[] = [];
  for (let i = 0; i < 50; i++) {
    const startedAt = performance.now();
    await send(requests, "request");
    await answers.take();
    times.push(performance.now() - startedAt);
  }
  const median = times.sort((a, b) => a - b)[25] as number;
  t.diagnostic(`median ${median.toFixed(1)} ms`);
  assert.ok(median < 15, `median ${median} ms`);
});
