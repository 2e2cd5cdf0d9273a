import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryBus } from "../../../shared/bus/memory-bus.ts";
import { createBench } from "./bench.ts";
import { busContract } from "./contract.ts";

busContract("in-process bus", async (t) => {
  const bus = new MemoryBus();
  t.after(() => bus.close());
  return bus;
});

test("memory is bounded: by messages, by bytes, over all queues; what leaves makes room", async (t) => {
  for (const limits of [
    { messages: 3, bytes: 1000 },
    { messages: 1000, bytes: 3 },
  ]) {
    const bus = new MemoryBus({ limits });
    t.after(() => bus.close());
    const { declareQueue, send, consume } = createBench(bus);
    const [a, b] = [await declareQueue("a"), await declareQueue("b", { "x-message-ttl": 50 })];
    await send(a, "1", "2");
    await send(b, "3");
    await assert.rejects(send(a, "4"), { code: "NACKED" });
    const { deliveries } = consume(a, 1);
    const [delivery] = await deliveries.next();
    await assert.rejects(send(b, "4"), { code: "NACKED" }); // a delivery under way is held as well
    delivery?.requeue();
    const [again] = await deliveries.next();
    again?.ack();
    await send(b, "4");
  }
});

test("a consumer that ends its deliveries at once leaves time for everything else", async (t) => {
  const bus = new MemoryBus();
  t.after(() => bus.close());
  const { declareQueue, send } = createBench(bus);
  const queue = await declareQueue();
  let count = 0;
  await send(queue, ...Array.from({ length: 1000 }, String));
  bus.consume(queue, { prefetch: 1 }, (delivery) => {
    count++;
    delivery.ack();
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(count > 0 && count < 1000, `${count} of 1000 in one go`);
});

test("consumers that give back, or publish for each other, without end leave time for everything else", async (t) => {
  const bus = new MemoryBus();
  t.after(() => bus.close());
  const { declareQueue, send } = createBench(bus);
  const [given, ping, pong] = [await declareQueue("given"), await declareQueue("ping"), await declareQueue("pong")];
  let count = 0;
  bus.consume(given, { prefetch: 1 }, (delivery) => {
    if (++count < 100_000) delivery.requeue();
  });
  for (const [from, to] of [
    [ping, pong],
    [pong, ping],
  ] as const) {
    bus.consume(from, { prefetch: 1 }, (delivery) => {
      delivery.ack();
      if (++count < 100_000) void send(to, "ball");
    });
  }
  await send(given, "1");
  await send(ping, "ball");
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(count > 3 && count < 10_000, `${count} deliveries in three turns of the event loop`);
});
