import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { StatementSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createHoldOnBroker } from "../../gateway/hold.ts";
import { storeSchema } from "../../gateway/gateway.ts";
import { createSpool, type Spool, type SpoolParts } from "../../gateway/spool.ts";
import type { Spooled } from "../../gateway/spool-table.ts";
import { MemoryBus } from "../../shared/bus/memory-bus.ts";
import { createNames } from "../../shared/bus/names.ts";
import { Failure } from "../../shared/failure.ts";
import { createMetrics } from "../../shared/metrics.ts";
import { openStore, type Store } from "../../shared/store/store.ts";
import { createTestLog, type LogLine } from "../shared/bus/test-log.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const full = { code: "NOT_HELD", status: 503, message: "the spool is full" };
const broken = { code: "NOT_HELD", status: 503, message: "the spool cannot be written" };

function push(id: number, bytes = 100, exchange = "x"): Spooled {
  const message = {
    exchange,
    routingKey: "msg.text",
    body: Buffer.alloc(bytes),
    properties: { messageId: `${id}` },
  };
  return { service: "shop", user: `shop/${id}`, message };
}

interface Fixture {
  spool: Spool;
  store: Store;
  /** Identities of what was tried, and of what was published. */
  tried: string[];
  published: string[];
  /** Lets the spool publish. */
  start: () => Promise<void>;
  counted: () => Promise<string[]>;
  lines: readonly LogLine[];
}

/** A spool of 1000 bytes on a real disk, which publishes to the in-process bus. */
async function createFixture(t: TestContext, dataDir?: string): Promise<Fixture> {
  const folder = dataDir ?? createTemporaryFolder(t);
  const { log, lines } = createTestLog();
  const metrics = createMetrics();
  const store = openStore(folder, storeSchema, log);
  const bus = new MemoryBus();
  let isReady = false;
  const tried: string[] = [];
  const hold = createHoldOnBroker({ accounts: [], bus, names: createNames("wx"), log });
  const spool = createSpool({
    store,
    names: createNames("wx"),
    publish(each) {
      tried.push(each.message.properties.messageId as string);
      return hold(each, 1000);
    },
    isReady: () => isReady,
    log,
    metrics,
    maxBytes: 1000,
  });
  t.after(async () => {
    await spool.close();
    store.close();
    await bus.close();
  });
  const published: string[] = [];
  return {
    spool,
    store,
    tried,
    published,
    lines: lines.all,
    async start() {
      await bus.declare({
        exchanges: [
          { name: "x", type: "fanout" },
          { name: "refusing", type: "fanout" },
        ],
        queues: [
          { name: "q", arguments: {} },
          { name: "wx.unrouted", arguments: { "x-max-length": 0, "x-overflow": "reject-publish" } },
        ],
        bindings: [
          { source: "x", destination: "q", to: "queue", routingKey: "" },
          { source: "refusing", destination: "wx.unrouted", to: "queue", routingKey: "" },
        ],
        unbindings: [],
      });
      bus.consume("q", { prefetch: 100 }, (delivery) => {
        published.push(delivery.properties.messageId as string);
        delivery.ack();
      });
      isReady = true;
    },
    counted: async () => (await metrics.registry.metrics()).match(/^wx_spool_\w+(\{.*\})? \d+$/gm) ?? [],
  };
}

/** A spool on a real disk that publishes as the test says. */
async function createPublishing(t: TestContext, publish: SpoolParts["publish"], isReady = (): boolean => true) {
  const { log, lines } = createTestLog();
  const store = openStore(createTemporaryFolder(t), storeSchema, log);
  const spool = createSpool({ store, names: createNames("wx"), publish, isReady, log, metrics: createMetrics() });
  t.after(async () => {
    await spool.close();
    store.close();
  });
  return { spool, store, lines: lines.all };
}

test("full, it refuses with 503 and counts that; what is published makes room", async (t) => {
  const { spool, published, start, counted } = await createFixture(t);
  for (let id = 0; id < 9; id++) await spool.add(push(id));
  await assert.rejects(spool.add(push(9, 101)), full);
  await spool.add(push(10));
  await assert.rejects(spool.add(push(11, 1)), full);
  assert.deepEqual(await counted(), [
    `wx_spool_total{service="shop",outcome="spooled"} 10`,
    `wx_spool_total{service="shop",outcome="refused"} 2`,
    `wx_spool_messages 10`,
  ]);
  await start();
  await until(() => published.length === 10, "ten are published");
  await until(() => !spool.holds("shop/10"), "the last one is off the disk");
  for (let id = 20; id < 30; id++) await spool.add(push(id));
});

test("what a queue refuses stays, is tried no more for now, and keeps nobody behind it waiting", async (t) => {
  const { spool, tried, published, start } = await createFixture(t);
  for (let id = 0; id < 250; id++) await spool.add(push(id, 1, "refusing"));
  await spool.add(push(250, 1));
  await start();
  await until(() => published.length === 1, "it is published");
  assert.deepEqual(published, ["250"]);
  assert.equal(tried.length, 101, "those that were read together, and the one behind");
  await until(() => !spool.holds("shop/250"), "the disk is empty");
  assert.ok(spool.holds("shop/0") && spool.holds("shop/249"));
});

/** Lets seconds of mocked time pass, and what they bring come about. */
async function seconds(t: TestContext, count: number): Promise<void> {
  for (; count > 0; count--) {
    t.mock.timers.tick(1000);
    for (let turns = 0; turns < 10; turns++) await turn();
  }
}

test("what is refused is tried again with one push at a time and after a rest, told once each time, until it is taken", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const tried: string[] = [];
  let isRefusing = true;
  const { spool, lines } = await createPublishing(t, async ({ message }) => {
    tried.push(message.properties.messageId as string);
    if (isRefusing) throw new Failure("NACKED", "the broker refuses the message");
  });
  for (let id = 0; id < 250; id++) await spool.add(push(id));
  const read = t.mock.method(StatementSync.prototype, "iterate");
  await seconds(t, 1);
  assert.equal(tried.length, 100, "those that were read together");
  assert.equal(read.mock.callCount(), 1, "what is to go to the same place is not read");
  await seconds(t, 5);
  assert.equal(tried.length, 100);
  await seconds(t, 60);
  assert.deepEqual(
    tried.slice(100),
    Array.from({ length: 10 }, () => "0"),
  );
  assert.equal(lines.filter(({ msg }) => msg === "still spooled").length, 11);
  isRefusing = false;
  tried.length = 0;
  await seconds(t, 6);
  assert.equal(tried.length, 250);
  assert.ok(!spool.holds("shop/249"));
});

test("what a broker is slow to confirm is not published again meanwhile", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const tried: unknown[] = [];
  const confirmed = Promise.withResolvers<void>();
  const { spool } = await createPublishing(t, async ({ message }) => {
    tried.push(message.properties.messageId);
    await confirmed.promise;
  });
  await spool.add(push(0));
  await seconds(t, 3);
  confirmed.resolve();
  await seconds(t, 3);
  assert.deepEqual(tried, ["0"]);
  assert.ok(!spool.holds("shop/0"));
  const reads = t.mock.method(StatementSync.prototype, "iterate");
  const writes = t.mock.method(StatementSync.prototype, "run");
  await seconds(t, 3);
  assert.deepEqual([reads.mock.callCount(), writes.mock.callCount()], [0, 0], "an empty spool leaves the disk alone");
});

test("a broker that is silent to all that is tried is not asked for more, wherever that is to go", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let tried = 0;
  const { spool } = await createPublishing(t, async () => {
    tried++;
    throw new Failure("NOT_HELD", "the broker did not confirm in time");
  });
  for (let id = 0; id < 101; id++) await spool.add(push(id, 1, `x${id}`));
  await seconds(t, 1);
  assert.equal(tried, 100, "those that were read together");
});

test("of large pushes some are read at a time, so that live ones have their turn in between", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const tried: unknown[] = [];
  let confirmed = Promise.withResolvers<void>();
  const { spool } = await createPublishing(t, async ({ message }) => {
    tried.push(message.properties.messageId);
    await confirmed.promise;
  });
  for (let id = 0; id < 5; id++) await spool.add(push(id, 600 * 1024));
  for (const together of [["0", "1"], ["2", "3"], ["4"]]) {
    await seconds(t, 1);
    await until(() => tried.length >= together.length, "they are read");
    assert.deepEqual(tried.splice(0), together);
    const { resolve } = confirmed;
    confirmed = Promise.withResolvers();
    resolve();
  }
  await until(() => !spool.holds("shop/4"), "the last one is off the disk");
});

test("a queue that is silent to a large push, which is read alone, keeps nobody behind it waiting", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const published: unknown[] = [];
  const { spool } = await createPublishing(t, async ({ message: { exchange, properties } }) => {
    if (exchange === "silent") throw new Failure("NOT_HELD", "the broker did not confirm in time");
    published.push(properties.messageId);
  });
  await spool.add(push(0, 1024 * 1024, "silent"));
  await spool.add(push(1));
  await seconds(t, 1);
  assert.deepEqual(published, ["1"]);
});

test("there is no rest after a broker that was silent, nor while some of it is published", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const tried: string[] = [];
  const { spool } = await createPublishing(t, async ({ message: { exchange } }) => {
    tried.push(exchange);
    if (exchange === "silent") throw new Failure("NOT_HELD", "the broker did not confirm in time");
    if (exchange === "refusing") throw new Failure("NACKED", "the broker refuses the message");
  });
  await spool.add(push(0, 1, "silent"));
  await seconds(t, 2);
  assert.deepEqual(tried.splice(0), ["silent", "silent"]);
  await spool.add(push(1, 1, "refusing"));
  await spool.add(push(2));
  await seconds(t, 2);
  assert.deepEqual(tried, ["silent", "refusing", "x", "silent", "refusing"]);
});

test("a push that AMQP cannot carry keeps those of its user behind it, however many lie in between, and nobody else's", async (t) => {
  const published: string[] = [];
  let isReady = false;
  let leftAtLast: unknown;
  const publish = async ({ message }: Spooled): Promise<void> => {
    const { messageId = "" } = message.properties;
    if (messageId === "0") throw new Failure("NACKED", "it cannot be written", { cause: new Error("too long") });
    if (messageId === "252") leftAtLast = store.database.prepare("SELECT COUNT(*) AS count FROM spool").get();
    published.push(messageId);
  };
  const { spool, store } = await createPublishing(t, publish, () => isReady);
  const others = Array.from({ length: 250 }, (_, i) => push(i + 1));
  for (const each of [push(0), ...others, { ...push(251), user: "shop/0" }, push(252)]) await spool.add(each);
  isReady = true;
  await until(() => published.includes("252"), "the next one is published");
  assert.deepEqual(
    published.toSorted((a, b) => Number(a) - Number(b)),
    [...others, push(252)].map(({ message }) => message.properties.messageId),
  );
  assert.deepEqual({ ...(leftAtLast as object) }, { count: 1 + 53 }, "what is published is off the disk by and by");
});

test("a push that AMQP cannot carry keeps those of its user also when it is the one that goes first", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const published: string[] = [];
  let options: ErrorOptions = {};
  const { spool } = await createPublishing(t, async ({ message: { properties } }) => {
    if (properties.messageId === "0") throw new Failure("NACKED", "no", options);
    published.push(properties.messageId as string);
  });
  await spool.add(push(0));
  await seconds(t, 1);
  options = { cause: new Error("too long") };
  await spool.add({ ...push(1), user: "shop/0" });
  await spool.add(push(2));
  await seconds(t, 6);
  assert.deepEqual(published, ["2"]);
});

test("a user's push to another place than the one before waits for that one", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const published: string[] = [];
  const { spool } = await createPublishing(t, async ({ message: { exchange, properties } }) => {
    if (exchange === "slow") await turn();
    published.push(properties.messageId as string);
  });
  for (const each of [push(0, 1, "slow"), push(1)]) await spool.add({ ...each, user: "shop/oUSER" });
  await seconds(t, 1);
  assert.deepEqual(published, ["0", "1"]);
});

test("a user's push that is not tried, as the broker takes nothing for a moment, keeps those behind it", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const published: string[] = [];
  let isReady = true;
  const { spool } = await createPublishing(
    t,
    async ({ message }) => {
      const { messageId = "" } = message.properties;
      if (messageId === "0") await turn().then(() => (isReady = false)); // confirmed right after an alarm
      if (messageId === "1")
        await turn()
          .then(turn)
          .then(() => (isReady = true)); // confirmed when that is over
      if (messageId !== "9") published.push(messageId);
    },
    () => isReady,
  );
  const [first, second, third] = [0, 2, 3].map((id) => ({ ...push(id), user: "shop/oUSER" })) as [
    Spooled,
    Spooled,
    Spooled,
  ];
  const others = Array.from({ length: 97 }, () => push(9));
  for (const each of [first, second, push(1), ...others, third]) await spool.add(each);
  await seconds(t, 2);
  assert.deepEqual(published, ["0", "1", "2", "3"]);
});

test("what is published later says what is left of its budget by then", async (t) => {
  const published = Promise.withResolvers<Spooled>();
  const { spool } = await createPublishing(t, async (each) => published.resolve(each));
  const headers = { "x-wx-service": "shop", "x-wx-deadline": Date.now() - 1, "x-wx-budget": 4500 };
  const { message, ...each } = push(0);
  await spool.add({ ...each, message: { ...message, properties: { ...message.properties, headers } } });
  const { properties } = (await published.promise).message;
  assert.deepEqual(properties, { messageId: "0", headers: { ...headers, "x-wx-budget": 0 } });
});

test("closed, it begins no other push", async (t) => {
  const [asked, confirmed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const published: unknown[] = [];
  const { spool, store } = await createPublishing(t, async ({ message }) => {
    published.push(message.properties.messageId);
    asked.resolve();
    await confirmed.promise;
  });
  await Promise.all([0, 1, 2].map((id) => spool.add({ ...push(id), user: "shop/oUSER" })));
  await asked.promise;
  const closing = spool.close();
  confirmed.resolve();
  await closing;
  assert.deepEqual(published, ["0"]);
  const left = store.database.prepare("SELECT properties ->> 'messageId' AS id FROM spool ORDER BY seq").all();
  assert.deepEqual(
    left.map(({ id }) => id),
    ["1", "2"],
  );
});

test("after a restart it is as full as before", async (t) => {
  const folder = createTemporaryFolder(t);
  const { log } = createTestLog();
  const before = openStore(folder, storeSchema, log);
  const parts = {
    names: createNames("wx"),
    publish: async () => {},
    isReady: () => false,
    log,
    metrics: createMetrics(),
  };
  const first = createSpool({ store: before, ...parts });
  for (let id = 0; id < 9; id++) await first.add(push(id));
  await first.close();
  before.close();
  const { spool } = await createFixture(t, folder);
  assert.ok(spool.holds("shop/8"));
  await assert.rejects(spool.add(push(9, 101)), full);
  await spool.add(push(9));
});

test("closed while the broker does not confirm one of them, it keeps that one alone on disk", async (t) => {
  const { log } = createTestLog();
  const store = openStore(createTemporaryFolder(t), storeSchema, log);
  t.after(() => store.close());
  const isLastAsked = Promise.withResolvers<void>();
  const spool = createSpool({
    store,
    names: createNames("wx"),
    async publish({ user }) {
      if (user !== "shop/9") return;
      isLastAsked.resolve();
      await new Promise(() => {});
    },
    isReady: () => true,
    log,
    metrics: createMetrics(),
  });
  for (let id = 0; id < 10; id++) await spool.add(push(id));
  await isLastAsked.promise;
  await spool.close();
  assert.deepEqual(
    store.database
      .prepare("SELECT user FROM spool")
      .all()
      .map(({ user }) => user),
    ["shop/9"],
  );
});

test("a push is not kept in a folder that somebody has deleted: it would be gone with the process", async (t) => {
  const { spool, store, lines } = await createFixture(t);
  await rm(dirname(store.database.location() as string), { recursive: true });
  await assert.rejects(spool.add(push(0)), broken);
  assert.match(String(lines[0]?.["reason"]), /^this process's folder in data-dir is gone/);
});

test("a disk that fails: refused and counted, published once, deleted when it is well again", async (t) => {
  const { spool, store, published, start, counted, lines } = await createFixture(t);
  await spool.add(push(0));
  await spool.add(push(1));
  store.database.exec("PRAGMA query_only = ON"); // from here on SQLite fails every write
  await assert.rejects(spool.add(push(2)), broken);
  await assert.rejects(spool.add(push(2)), broken);
  assert.ok(!spool.holds("shop/2"));
  const told = () => lines.filter(({ msg }) => msg.startsWith("the spool cannot be written")).length;
  assert.equal(told(), 1);
  assert.deepEqual(await counted(), [
    `wx_spool_total{service="shop",outcome="spooled"} 2`,
    `wx_spool_total{service="shop",outcome="refused"} 2`,
    `wx_spool_messages 2`,
  ]);
  await start();
  const rows = (): unknown => store.database.prepare("SELECT COUNT(*) AS count FROM spool").get();
  const rounds = () => lines.filter(({ msg }) => msg.startsWith("what is published cannot be deleted")).length;
  await until(() => rounds() === 2, "two rounds");
  assert.deepEqual({ ...(rows() as object) }, { count: 2 });
  store.database.exec("PRAGMA query_only = OFF");
  await until(() => (rows() as { count: number }).count === 0, "the disk is empty");
  await spool.add(push(3));
  await until(() => published.length > 2, "more are published");
  assert.deepEqual(published, ["0", "1", "3"]);
  store.database.exec("PRAGMA query_only = ON");
  await assert.rejects(spool.add(push(4)), broken);
  assert.equal(told(), 2);
});
