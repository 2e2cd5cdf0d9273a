import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Delivery } from "../../../shared/bus/bus.ts";
import { createJournal, journalSchema } from "../../../shared/bus/journal.ts";
import { MemoryBus, type MemoryLimits } from "../../../shared/bus/memory-bus.ts";
import { openStore } from "../../../shared/store/store.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { createBench, eventually } from "./bench.ts";
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

test("what is acked, rejected, dropped for newer ones or outlives its TTL makes room, however much of it comes", async (t) => {
  const bus = new MemoryBus({ limits: { messages: 2, bytes: 1000 } });
  t.after(() => bus.close());
  const { declareQueue, send, consume } = createBench(bus);
  const ends = ["ack", "acked", "reject"] as const;
  const ended = await declareQueue("ended");
  const { deliveries } = consume(ended);
  const short = await declareQueue("short", { "x-max-length": 1, "x-overflow": "drop-head" });
  const passing = await declareQueue("passing", { "x-message-ttl": 5 });
  for (const end of [...ends, ...ends]) {
    await send(ended, end);
    const [delivery] = await deliveries.next();
    await delivery?.[end]();
  }
  for (let i = 0; i < 3; i++) {
    await send(passing, `${i}`);
    await eventually("the TTL is over", async () => (await bus.depth(passing)) === 0);
  }
  await send(short, "1"); // now one more finds room, which is there again when it has pushed the first one out
  for (let i = 2; i < 5; i++) await send(short, `${i}`);
  assert.deepEqual(await consume(short).take(), ["4"]);
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
  await eventually("all are delivered", () => count === 1000);
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
  const store = openStore(createTemporaryFolder(t), journalSchema, createTestLog().log);
  const bus = new MemoryBus({ limits: { messages: 3, bytes: 1000 }, journal: createJournal(store) });
  t.after(async () => {
    await bus.close();
    store.close();
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
  deliveries.all[0]?.ack();
  await rm(dirname(store.database.location() as string), { recursive: true });
  await assert.rejects(send(kept, "for a folder that is gone"), { code: "NOT_HELD", status: 503 });
});

/** A bus with a journal, and the way to have SQLite fail every write (`fail`), and to let it write again. */
async function createKept(t: TestContext) {
  const store = openStore(createTemporaryFolder(t), journalSchema, createTestLog().log);
  const journal = createJournal(store);
  const bench = createBench(new MemoryBus({ journal }));
  t.after(async () => {
    await bench.bus.close();
    store.close();
  });
  const queue = await bench.declareQueue("kept", { "x-queue-type": "quorum", "x-dead-letter-exchange": "" });
  return {
    ...bench,
    queue,
    journal,
    setFailing: (isFailing: boolean): void => store.database.exec(`PRAGMA query_only = ${isFailing ? "ON" : "OFF"}`),
    onDisk: () => journal.load(queue).map(({ message }) => message.body.toString()),
  };
}

test("what was acked while the disk took nothing leaves it with the next one that is acked", async (t) => {
  const { queue, send, consume, journal, setFailing, onDisk } = await createKept(t);
  const { deliveries } = consume(queue);
  await send(queue, "1", "2", "3", "4", "5");
  const [one, two, three, four, five] = await deliveries.next(5);
  setFailing(true);
  for (const delivery of [one, two]) {
    delivery?.ack();
    await assert.rejects(journal.written());
  }
  setFailing(false);
  three?.ack();
  await journal.written();
  setFailing(true); // before those before it can leave with it
  await nextTurn();
  setFailing(false);
  await four?.acked();
  await eventually("only what is under way is on disk", () => onDisk().join() === "5");
  five?.requeue();
  await five?.acked();
  assert.deepEqual(onDisk(), ["5"], "what was given back cannot be acked any more");
});

test("what was acked while the disk took nothing leaves it at the latest when the bus closes", async (t) => {
  const { bus, queue, send, consume, journal, setFailing, onDisk } = await createKept(t);
  const { deliveries } = consume(queue);
  await send(queue, "1", "2");
  const [one] = await deliveries.next(2);
  setFailing(true);
  one?.ack();
  await assert.rejects(journal.written());
  setFailing(false);
  await bus.close();
  assert.deepEqual(onDisk(), ["2"]);
});

test("an ack that is waited for is refused when the disk does not take it, and the delivery comes again later", async (t) => {
  const { bus, queue, send, setFailing, onDisk } = await createKept(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const deliveries: Delivery[] = [];
  bus.consume(queue, { prefetch: 1 }, (delivery) => deliveries.push(delivery));
  await send(queue, "1");
  await nextTurn();
  setFailing(true);
  for (let i = 0; i < 2; i++) await assert.rejects(async () => deliveries[0]?.acked(), { code: "NOT_HELD" });
  setFailing(false);
  t.mock.timers.tick(9999);
  await nextTurn();
  assert.deepEqual([deliveries.length, onDisk()], [1, ["1"]]);
  t.mock.timers.tick(1);
  await nextTurn();
  assert.deepEqual([deliveries.length, deliveries[1]?.redelivered], [2, true]);
  await deliveries[1]?.acked();
  assert.deepEqual([onDisk(), await bus.depth(queue)], [[], 0]);
});

test("what is given back after the bus has closed stays on disk where it was", async (t) => {
  const store = openStore(createTemporaryFolder(t), journalSchema, createTestLog().log);
  t.after(() => store.close());
  const journal = createJournal(store);
  const { bus, declareQueue, send, consume } = createBench(new MemoryBus({ journal }));
  const dead = await declareQueue("dead", { "x-queue-type": "quorum" });
  const deadLetters = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead };
  const queue = await declareQueue("kept", { "x-queue-type": "quorum", ...deadLetters });
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
  assert.deepEqual(journal.load(dead), []);
});

/** Lets a bus end and another one take up its journal; `limits` are those of the second one. */
async function createSuccessor(t: TestContext, limits: MemoryLimits) {
  const store = openStore(createTemporaryFolder(t), journalSchema, createTestLog().log);
  const first = createBench(new MemoryBus({ journal: createJournal(store) }));
  const queue = await first.declareQueue("kept", { "x-queue-type": "quorum" });
  await first.send(queue, "1", "2");
  await first.bus.close();
  const bus = new MemoryBus({ limits, journal: createJournal(store) });
  t.after(async () => {
    await bus.close();
    store.close();
  });
  return { ...createBench(bus, first.prefix), queue };
}

test("what was kept on disk counts as held, and comes marked as delivered before", async (t) => {
  const { bus, queue, name, declareQueue, send, consume } = await createSuccessor(t, { messages: 2, bytes: 1000 });
  assert.equal(await bus.depth(queue), 2, "its depth is known before it is declared");
  assert.equal(await bus.depth(name("missing")), undefined);
  const other = await declareQueue("other");
  await declareQueue("kept", { "x-queue-type": "quorum" });
  await assert.rejects(send(other, "3"), { code: "NACKED" });
  const { deliveries } = consume(queue);
  const kept = await deliveries.next(2);
  assert.deepEqual(
    kept.map(({ body, redelivered }) => [body.toString(), redelivered]),
    [
      ["1", true],
      ["2", true],
    ],
  );
  kept[0]?.ack();
  await send(other, "3");
  await assert.rejects(send(other, "4"), { code: "NACKED" });
});

test("what has outlived its TTL, or was dropped for newer ones, is gone from the disk", async (t) => {
  const store = openStore(createTemporaryFolder(t), journalSchema, createTestLog().log);
  const journal = createJournal(store);
  const { bus, declareQueue, send } = createBench(new MemoryBus({ journal }));
  t.after(async () => {
    await bus.close();
    store.close();
  });
  const bodiesIn = (queue: string) => journal.load(queue).map(({ message }) => message.body.toString());
  const short = await declareQueue("short", { "x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "drop-head" });
  await send(short, "1", "2");
  const passing = await declareQueue("passing", { "x-queue-type": "quorum", "x-message-ttl": 20 });
  await send(passing, "1");
  await eventually("the TTL is over", async () => (await bus.depth(passing)) === 0);
  await journal.written();
  assert.deepEqual([bodiesIn(short), bodiesIn(passing)], [["2"], []]);
});

/** How many messages came in the busiest turn of the event loop until `count` have. */
async function mostPerTurn(count: number, soFar: () => number | Promise<number>): Promise<number> {
  let most = 0;
  for (let before = await soFar(); before < count;) {
    await nextTurn();
    const now = await soFar();
    most = Math.max(most, now - before);
    before = now;
  }
  return most;
}

test("large messages leave time for everything else: they are delivered, and return from a wait, some at a time", async (t) => {
  const store = openStore(createTemporaryFolder(t), journalSchema, createTestLog().log);
  const large = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(600 * 1024));
  const first = createBench(new MemoryBus({ journal: createJournal(store) }));
  const kept = { "x-queue-type": "quorum" };
  const [back, waiting] = [first.name("back"), first.name("waiting")];
  const returning = { "x-message-ttl": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": back };
  await first.declareQueue("waiting", kept);
  await first.send(waiting, ...large);
  await first.bus.close();
  store.database.exec("UPDATE journal SET expires_at = 0");
  const { bus, declareQueue } = createBench(new MemoryBus({ journal: createJournal(store) }), first.prefix);
  t.after(async () => {
    await bus.close();
    store.close();
  });
  await declareQueue("back", kept);
  await declareQueue("waiting", { ...kept, ...returning });
  const returned = await mostPerTurn(large.length, async () => (await bus.depth(back)) ?? 0);
  const bodies: string[] = [];
  bus.consume(back, { prefetch: 10 }, ({ body }) => bodies.push(body.toString()));
  const delivered = await mostPerTurn(large.length, () => bodies.length);
  assert.ok(returned <= 4 && delivered <= 4, `${returned} returned, ${delivered} were delivered in one turn`);
  assert.deepEqual(bodies, large);
});

test("what is dead-lettered into a full queue with reject-publish takes no room from what is there", async (t) => {
  const bus = new MemoryBus();
  t.after(() => bus.close());
  const { declareQueue, send, consume } = createBench(bus);
  const full = await declareQueue("full", { "x-max-length": 1, "x-overflow": "reject-publish" });
  const deadLetters = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": full };
  const rejecting = await declareQueue("rejecting", deadLetters);
  await send(full, "1");
  await send(rejecting, "2");
  const [delivery] = await consume(rejecting).deliveries.next();
  delivery?.reject();
  assert.deepEqual(await consume(full).take(2), ["1", "2"]);
});

test("what returns to a queue that nobody has declared stays on disk, and is there when that is declared", async (t) => {
  const store = openStore(createTemporaryFolder(t), journalSchema, createTestLog().log);
  const journal = createJournal(store);
  const { bus, name, declareQueue, publish, consume } = createBench(new MemoryBus({ journal }));
  t.after(async () => {
    await bus.close();
    store.close();
  });
  const returnsTo = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name("gone") };
  const waiting = await declareQueue("waiting", { "x-queue-type": "quorum", "x-message-ttl": 20, ...returnsTo });
  await publish({ routingKey: waiting, body: Buffer.from("returned") });
  await eventually("the TTL is over", async () => (await bus.depth(waiting)) === 0);
  assert.deepEqual(
    journal.load(name("gone")).map(({ expiresAt }) => expiresAt),
    [Number.POSITIVE_INFINITY],
  );
  const gone = await declareQueue("gone", { "x-queue-type": "quorum" });
  assert.deepEqual(await consume(gone).take(), ["returned"]);
  await journal.written();
  assert.deepEqual([journal.load(waiting), journal.load(gone)], [[], []]);
});

test("what returns to a queue at the moment that is declared is there, and not where it came from", async (t) => {
  const { declareQueue, name, send, consume, journal } = await createKept(t);
  const returning = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name("gone") };
  const rejecting = consume(await declareQueue("rejecting", { "x-queue-type": "quorum", ...returning }));
  await send(name("rejecting"), "returned");
  const [delivery] = await rejecting.deliveries.next();
  delivery?.reject();
  assert.deepEqual(await consume(await declareQueue("gone", { "x-queue-type": "quorum" })).take(), ["returned"]);
  assert.deepEqual(journal.load(name("rejecting")), []);
});

test("only what waited in a retry queue returns from there, not what is in a queue that is named or used like one", async (t) => {
  const { journal } = await createKept(t);
  const add = (queue: string, exchange: string, expiresAt: number): number =>
    journal.add(queue, { exchange, routingKey: "k", body: Buffer.from("x"), properties: {} }, expiresAt);
  const later = Date.now() + 60_000;
  add("wx.retry.1s", "wx.retry.1s", later);
  add("wx.retry.1s", "wx.retry.1s", later);
  add("orders.retry.10s", "orders.retry.10s", later);
  add("wx.dispatch.a.retry.b", "wx.events.a.retry.b", later);
  add("shop.retry.all", "shop.retry.all", Number.POSITIVE_INFINITY);
  add("orders", "orders", later);
  await journal.written();
  assert.deepEqual(journal.retryQueues().toSorted(), ["orders.retry.10s", "wx.retry.1s"]);
});

/** The clock that TTLs go by, which then stands still. */
function mockClock(t: TestContext): { ms: number } {
  const clock = { ms: performance.now() };
  t.mock.method(performance, "now", () => clock.ms);
  return clock;
}

/** On a queue with a TTL, and the one that messages go to when it is over. */
async function createWaiting(bus: MemoryBus, prefix?: string) {
  const bench = createBench(bus, prefix);
  const kept = { "x-queue-type": "quorum" };
  const target = await bench.declareQueue("target", kept);
  const ttl = { "x-message-ttl": 100, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": target };
  return { ...bench, target, waiting: await bench.declareQueue("waiting", { ...kept, ...ttl }) };
}

test("a TTL ends when its time is over though the system's clock is set back, also over a restart", async (t) => {
  const store = openStore(createTemporaryFolder(t), journalSchema, createTestLog().log);
  const [first, second] = [createJournal(store), createJournal(store)].map((journal) => new MemoryBus({ journal }));
  assert.ok(first && second);
  t.after(async () => {
    await second.close();
    store.close();
  });
  const before = await createWaiting(first);
  const returned = before.consume(before.target);
  await before.send(before.waiting, "under way");
  const now = Date.now();
  t.mock.method(Date, "now", () => now - 3_600_000);
  assert.deepEqual(await returned.take(), ["under way"]);
  await before.send(before.waiting, "over a restart");
  await first.close();
  t.mock.method(Date, "now", () => now - 7_200_000);
  const after = await createWaiting(second, before.prefix);
  assert.deepEqual(await after.consume(after.target).take(), ["over a restart"]);
});

test("what has outlived its TTL is not delivered, though its timer has not run yet", async (t) => {
  const clock = mockClock(t);
  const bus = new MemoryBus();
  t.after(() => bus.close());
  const { declareQueue, send, consume } = createBench(bus);
  const queue = await declareQueue("q", { "x-message-ttl": 60_000 });
  await send(queue, "old");
  clock.ms += 60_000;
  await send(queue, "new");
  assert.deepEqual(await consume(queue).take(), ["new"]);
});

test("what is given back too late for its TTL does not wait for that of others", async (t) => {
  const clock = mockClock(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const bus = new MemoryBus();
  t.after(() => bus.close());
  const { declareQueue, name, send } = createBench(bus);
  const target = await declareQueue("target");
  const ttl = { "x-message-ttl": 1000, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name("target") };
  const queue = await declareQueue("q", ttl);
  const delivered = Promise.withResolvers<Delivery>();
  const consumer = bus.consume(queue, { prefetch: 1 }, (delivery) => delivered.resolve(delivery));
  await send(queue, "old");
  const old = await delivered.promise;
  await consumer.cancel();
  clock.ms += 1500;
  await send(queue, "new");
  old.requeue();
  t.mock.timers.tick(1);
  assert.deepEqual([await bus.depth(target), await bus.depth(queue)], [1, 1]);
});
