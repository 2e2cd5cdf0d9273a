import assert from "node:assert/strict";
import { test } from "node:test";
import { createArrivals } from "../../support/arrivals.ts";
import { createBench, toQueue, classic, untilReady, type CreateBus } from "./bench.ts";

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);
const textOf = ({ body }: { body: Buffer }) => body.toString();

/** What a consumer is promised. */
export function consumingContract(createBus: CreateBus): void {
  test("first in, first out", async (t) => {
    const { declareQueue, publish, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    const consumer = consume(queue, 7);
    await Promise.all(numbers(1, 3000).map((n) => publish({ routingKey: queue, body: Buffer.from(n) })));
    const taken = [];
    while (taken.length < 3000) taken.push(...(await consumer.take()));
    assert.deepEqual(taken, numbers(1, 3000));
  });

  test("at most prefetch deliveries are under way", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    await send(queue, ...numbers(1, 5));
    const { deliveries } = consume(queue, 2);
    const [first, second] = await deliveries.next(2);
    assert.equal(await bus.depth(queue), 3);
    assert.equal(deliveries.all.length, 2);
    first?.ack();
    assert.deepEqual((await deliveries.next()).map(textOf), ["3"]);
    second?.reject();
    assert.deepEqual((await deliveries.next()).map(textOf), ["4"]);
    assert.equal(await bus.depth(queue), 1);
  });

  test("consumers of one queue take turns", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    const consumers = [consume(queue), consume(queue), consume(queue)];
    await untilReady(bus);
    await send(queue, ...numbers(1, 9));
    for (const { deliveries } of consumers) await deliveries.next(3);
    assert.deepEqual(
      consumers.map(({ deliveries }) => deliveries.all.length),
      [3, 3, 3],
    );
  });

  test("consumers of one queue take turns also when messages come one at a time", async (t) => {
    const { bus, declareQueue, send } = createBench(await createBus(t));
    const queue = await declareQueue();
    const takers = createArrivals<number>("deliveries");
    for (const taker of [1, 2]) {
      bus.consume(queue, { prefetch: 10 }, (delivery) => {
        delivery.ack();
        takers.add(taker);
      });
    }
    await untilReady(bus);
    for (let i = 0; i < 4; i++) {
      await send(queue, "x");
      await takers.next();
    }
    const [first, ...others] = takers.all;
    assert.deepEqual(others, first === 1 ? [2, 1, 2] : [1, 2, 1]);
  });

  test("a requeued delivery comes again, marked, in its old place", async (t) => {
    const { declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    await send(queue, ...numbers(1, 5));
    const { deliveries } = consume(queue, 3);
    const [one, two, three] = await deliveries.next(3);
    assert.deepEqual(
      [one, two, three].map((delivery) => delivery?.redelivered),
      [false, false, false],
    );
    one?.requeue();
    const [again] = await deliveries.next();
    assert.deepEqual([again?.body.toString(), again?.redelivered], ["1", true]);
    for (const delivery of [two, three, again]) delivery?.ack();
    assert.deepEqual((await deliveries.next(2)).map(textOf), ["4", "5"]);
  });

  test("a rejected delivery is gone, or dead-lettered where the queue says so", async (t) => {
    const { bus, name, declare, send, consume } = createBench(await createBus(t));
    const dead = { "x-dead-letter-exchange": name("dlx") };
    await declare({
      exchanges: [{ name: name("dlx"), type: "direct" }],
      queues: [
        classic(name("plain")),
        classic(name("own-key"), dead),
        classic(name("new-key"), { ...dead, "x-dead-letter-routing-key": "k" }),
        classic(name("nowhere"), { "x-dead-letter-exchange": name("missing") }),
        classic(name("dead-own")),
        classic(name("dead-new")),
      ],
      bindings: [toQueue(name("dlx"), name("dead-own"), name("own-key")), toQueue(name("dlx"), name("dead-new"), "k")],
    });
    for (const part of ["plain", "own-key", "new-key", "nowhere"]) {
      await send(name(part), part);
      const consumer = consume(name(part));
      for (const delivery of await consumer.deliveries.next()) delivery.reject();
      await consumer.close();
      assert.equal(await bus.depth(name(part)), 0);
    }
    const [own] = await consume(name("dead-own")).deliveries.next();
    assert.deepEqual([own?.exchange, own?.routingKey, own?.body.toString()], [name("dlx"), name("own-key"), "own-key"]);
    const [other] = await consume(name("dead-new")).deliveries.next();
    assert.deepEqual([other?.routingKey, other?.body.toString(), other?.redelivered], ["k", "new-key", false]);
  });

  test("only the first end of a delivery counts", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    await send(queue, "1");
    const consumer = consume(queue);
    const [delivery] = await consumer.deliveries.next();
    for (const end of ["ack", "ack", "requeue", "reject"] as const) delivery?.[end]();
    await send(queue, "2");
    const [next] = await consumer.deliveries.next();
    assert.deepEqual([next?.body.toString(), next?.redelivered], ["2", false]);
    next?.ack();
    await consumer.close();
    assert.equal(await bus.depth(queue), 0);
  });

  test("a single active consumer that closes hands over to the next, from the oldest on, in their order", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const args = { "x-queue-type": "quorum", "x-delivery-limit": 1_000_000, "x-single-active-consumer": true };
    const queue = await declareQueue("q", args);
    const first = consume(queue, 6);
    await untilReady(bus);
    const second = consume(queue, 10);
    await untilReady(bus);
    await send(queue, ...numbers(1, 9));
    const taken = await first.deliveries.next(6);
    for (const index of [0, 3]) taken[index]?.ack();
    assert.ok(taken.every((delivery) => !delivery.isGone()));
    await first.close();
    assert.equal(taken[1]?.isGone(), true);
    assert.deepEqual(await second.take(7), ["2", "3", "5", "6", "7", "8", "9"]);
    await second.close();
    assert.equal(await bus.depth(queue), 0);
  });

  test("cancel takes nothing new and lets deliveries end; close gives the rest back", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    await send(queue, ...numbers(1, 3));
    const consumer = consume(queue);
    const [first] = await consumer.deliveries.next(3);
    await consumer.cancel();
    await send(queue, "4");
    assert.equal(await bus.depth(queue), 1);
    first?.ack();
    await consumer.close();
    await consumer.close();
    const again = consume(queue);
    assert.deepEqual(
      (await again.deliveries.next(3)).map(({ body, redelivered }) => [body.toString(), redelivered]),
      [
        ["2", true],
        ["3", true],
        ["4", false],
      ],
    );
    assert.equal(consumer.deliveries.all.length, 3);
  });

  test("of a queue with a single active consumer the next one takes over when the first is gone", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue("q", { "x-single-active-consumer": true });
    const first = consume(queue);
    await untilReady(bus);
    const second = consume(queue);
    await untilReady(bus);
    await send(queue, "1", "2", "3");
    assert.deepEqual(await first.take(3), ["1", "2", "3"]);
    await first.close();
    await send(queue, "4");
    assert.deepEqual(await second.take(), ["4"]);
    assert.equal(second.deliveries.all.length, 1);
  });

  test("an ack that was waited for is there: the delivery does not come again", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    await send(queue, "1", "2");
    const consumer = consume(queue);
    const [one] = await consumer.deliveries.next(2);
    await one?.acked();
    await consumer.close();
    assert.equal(await bus.depth(queue), 1);
    assert.deepEqual(await consume(queue).take(), ["2"]);
  });

  test("an ack that is waited for once its consumer has closed is refused: the delivery comes again", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    await send(queue, "1");
    const consumer = consume(queue);
    const [one] = await consumer.deliveries.next();
    assert.ok(one);
    await consumer.close();
    await assert.rejects(one.acked());
    assert.equal(await bus.depth(queue), 1);
    assert.deepEqual(await consume(queue).take(), ["1"]);
  });

  test("a consumer cancelled at once takes nothing", async (t) => {
    const { bus, declareQueue, send, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    await send(queue, "1");
    const cancelled = consume(queue);
    await cancelled.cancel();
    assert.deepEqual(await consume(queue).take(), ["1"]);
    assert.equal(cancelled.deliveries.all.length, 0);
    assert.ok(bus.ready);
  });
}
