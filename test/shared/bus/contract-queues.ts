import assert from "node:assert/strict";
import { test } from "node:test";
import { classic, createBench, eventually, toQueue, untilReady, type CreateBus } from "./bench.ts";

/** What queues keep, let go and refuse. */
export function queueContract(createBus: CreateBus): void {
  test("what outlives its TTL is dead-lettered under its own key or the queue's", async (t) => {
    const { bus, name, declareQueue, declare, publish, consume } = createBench(await createBus(t));
    const target = await declareQueue("target");
    const wait = { "x-message-ttl": 60, "x-dead-letter-exchange": "" };
    await declare({
      exchanges: [{ name: name("wait"), type: "fanout" }],
      queues: [
        classic(name("wait"), wait),
        classic(name("replies"), { ...wait, "x-dead-letter-routing-key": target }),
        classic(name("forgets"), { "x-message-ttl": 60 }),
      ],
      bindings: [toQueue(name("wait"), name("wait"))],
    });
    const { deliveries } = consume(target);
    const startedAt = Date.now();
    const properties = { messageId: "id", type: "msg.text", headers: { "x-wx-attempt": 2 } };
    await publish({ exchange: name("wait"), routingKey: target, body: Buffer.from("1"), properties });
    await publish({ routingKey: name("forgets") });
    const [first] = await deliveries.next();
    assert.ok(Date.now() - startedAt >= 55);
    assert.deepEqual([first?.exchange, first?.routingKey, first?.body.toString()], ["", target, "1"]);
    const { messageId, type, headers } = first?.properties ?? {};
    assert.deepEqual([messageId, type, headers?.["x-wx-attempt"]], ["id", "msg.text", 2]);
    await publish({ routingKey: name("replies"), body: Buffer.from("2") });
    const [second] = await deliveries.next();
    assert.deepEqual([second?.routingKey, second?.body.toString()], [target, "2"]);
    await eventually("the TTL is over", async () => (await bus.depth(name("forgets"))) === 0);
  });

  test("a delivery that was given back too late for its TTL is dead-lettered at once", async (t) => {
    const { bus, name, declareQueue, send, consume } = createBench(await createBus(t));
    const target = await declareQueue("target");
    const queue = await declareQueue("q", {
      "x-message-ttl": 60,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": name("target"),
    });
    const late = consume(target);
    const consumer = consume(queue, 1);
    await untilReady(bus); // else the first one's time may be over before it is consumed
    await send(queue, "1", "2");
    const [delivery] = await consumer.deliveries.next();
    assert.deepEqual(await late.take(), ["2"]);
    await consumer.cancel();
    delivery?.requeue();
    assert.deepEqual(await late.take(), ["1"]);
  });

  test("a full queue with reject-publish refuses, to the detriment of no other queue", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const full = await declareQueue("full", { "x-max-length": 2, "x-overflow": "reject-publish" });
    const other = await declareQueue("other");
    await send(full, "1", "2");
    // One behind the other they would take 25 s, as each is tried for half a second.
    const refused = Array.from({ length: 50 }, (_, i) => assert.rejects(send(full, `no ${i}`), { code: "NACKED" }));
    const before = performance.now();
    for (let i = 0; i < 20; i++) await send(other, "x");
    assert.ok(performance.now() - before < 10_000);
    await Promise.all(refused);
    assert.deepEqual([await bus.depth(full), await bus.depth(other)], [2, 20]);
    const consumer = consume(full, 1);
    assert.deepEqual(await consumer.take(), ["1"]);
    await send(full, "3");
    assert.deepEqual([...(await consumer.take()), ...(await consumer.take())], ["2", "3"]);
  });

  test("one full queue refuses a message that others would take as well", async (t) => {
    const { name, declare, publish, send } = createBench(await createBus(t));
    const full = { "x-max-length": 1, "x-overflow": "reject-publish" };
    await declare({
      exchanges: [{ name: name("x"), type: "fanout" }],
      queues: [classic(name("full"), full), classic(name("other"))],
      bindings: [toQueue(name("x"), name("full")), toQueue(name("x"), name("other"))],
    });
    await send(name("full"), "1");
    await assert.rejects(publish({ exchange: name("x") }), { code: "NACKED" });
  });

  test("a full queue with drop-head loses its oldest, or dead-letters it", async (t) => {
    const { name, declareQueue, send, consume } = createBench(await createBus(t));
    const dropped = await declareQueue("dropped");
    const queue = await declareQueue("q", {
      "x-max-length": 2,
      "x-overflow": "drop-head",
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": name("dropped"),
    });
    await send(queue, "1", "2", "3", "4");
    assert.deepEqual(await consume(queue).take(2), ["3", "4"]);
    assert.deepEqual(await consume(dropped).take(2), ["1", "2"]);
  });

  test("depth counts what waits, not what is under way; a missing queue has none", async (t) => {
    const { bus, name, declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    assert.equal(await bus.depth(queue), 0);
    await send(queue, "1", "2", "3");
    assert.equal(await bus.depth(queue), 3);
    await consume(queue, 1).deliveries.next();
    assert.equal(await bus.depth(queue), 2);
    assert.equal(await bus.depth(name("missing")), undefined);
  });

  test("a queue is deleted only when it is empty, and its bindings with it", async (t) => {
    const { bus, name, declare, publish, consume } = createBench(await createBus(t));
    const queue = name("q");
    const topology = {
      exchanges: [{ name: name("x"), type: "fanout" as const }],
      queues: [classic(queue)],
      bindings: [toQueue(name("x"), queue)],
    };
    await declare(topology);
    const outcome = () => publish({ exchange: name("x"), properties: { messageId: "id" } }, { mandatory: true });
    assert.equal(await outcome(), "routed");
    await assert.rejects(bus.deleteQueue(queue));
    const consumer = consume(queue);
    await consumer.take();
    await consumer.close();
    await bus.deleteQueue(queue);
    await bus.deleteQueue(queue);
    assert.equal(await bus.depth(queue), undefined);
    assert.equal(await outcome(), "returned");
    await declare({ queues: topology.queues });
    assert.equal(await outcome(), "returned", "no binding came back with the queue");
    await declare(topology);
    assert.equal(await outcome(), "routed");
  });
}
