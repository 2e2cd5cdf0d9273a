import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createJournal, journalSchema } from "../../../shared/bus/journal.ts";
import { MemoryBus } from "../../../shared/bus/memory-bus.ts";
import { openStore } from "../../../shared/store/store.ts";
import { createBench } from "./bench.ts";
import { busContract } from "./contract.ts";
import { createTestLog } from "./test-log.ts";

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

test("what the journal's disk does not take is not held: not delivered, not counted, and once when it is published again", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "wx-bridge-journal-"));
  const store = openStore(dataDir, journalSchema, createTestLog().log);
  const bus = new MemoryBus({ limits: { messages: 3, bytes: 1000 }, journal: createJournal(store) });
  t.after(async () => {
    await bus.close();
    store.close();
    await rm(dataDir, { recursive: true });
  });
  const { declareQueue, send, consume } = createBench(bus);
  const kept = await declareQueue("kept", { "x-queue-type": "quorum" });
  const inMemory = await declareQueue("in-memory");
  const { deliveries } = consume(kept);
  await send(kept, "before");
  store.database.exec("PRAGMA query_only = ON"); // from here on SQLite fails every write
  for (let i = 0; i < 5; i++) await assert.rejects(send(kept, "again"), { code: "NOT_HELD", status: 503 });
  await send(inMemory, "not on disk anyway");
  store.database.exec("PRAGMA query_only = OFF");
  await send(kept, "again");
  assert.deepEqual(
    (await deliveries.next(2)).map(({ body }) => body.toString()),
    ["before", "again"],
  );
  assert.equal(deliveries.all.length, 2);
});

test("what is given back after the bus has closed stays on disk", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "wx-bridge-journal-"));
  const store = openStore(dataDir, journalSchema, createTestLog().log);
  t.after(async () => {
    store.close();
    await rm(dataDir, { recursive: true });
  });
  const journal = createJournal(store);
  const { bus, declareQueue, send, consume } = createBench(new MemoryBus({ journal }));
  const queue = await declareQueue("kept", { "x-queue-type": "quorum" });
  const { deliveries } = consume(queue);
  await send(queue, "given back", "done");
  const [givenBack, done] = await deliveries.next(2);
  await bus.close();
  givenBack?.requeue();
  done?.ack();
  await journal.written();
  assert.deepEqual(
    journal.load(queue).map(({ message }) => message.body.toString()),
    ["given back"],
  );
});
