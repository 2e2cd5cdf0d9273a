import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { storeSchema } from "../../gateway/gateway.ts";
import { createSpool, type Spool } from "../../gateway/spool.ts";
import { createPublished } from "../../gateway/published.ts";
import { insertSpooled, type Spooled } from "../../gateway/spool-table.ts";
import { createJournal } from "../../shared/bus/journal.ts";
import { createNames } from "../../shared/bus/names.ts";
import { digestOf } from "../../shared/digest-set.ts";
import { createMetrics } from "../../shared/metrics.ts";
import { openStore, type Store } from "../../shared/store/store.ts";
import { createTestLog, type LogLine } from "../shared/bus/test-log.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function messageOf(id: number, bytes: number): Spooled["message"] {
  return {
    exchange: "wx.events",
    routingKey: "msg.text",
    body: Buffer.alloc(bytes),
    properties: { messageId: `${id}` },
  };
}

interface Left {
  /** How many messages were in a queue of the in-process bus. */
  journaled?: number;
  /** How many pushes were in the spool. */
  spooled: number;
  /** Of each body. */
  bytes?: number;
  /** How many pushes it has published. */
  published?: number;
}

interface Fixture {
  /** A process that starts now, and the spool it makes. */
  start: (prefix?: string) => { store: Store; createSpool: () => Spool };
  /** Opens what the dead gateway has left, while nobody else has it. */
  openLeft: () => DatabaseSync;
  folders: () => number;
  /** Lets so many ms go by for timers. */
  tick: (ms: number) => void;
  counted: () => Promise<string | undefined>;
  lines: readonly LogLine[];
}

/** The folder of a gateway that is gone; identities of what is left in it count from 0. */
async function createFixture(
  t: TestContext,
  { journaled = 0, spooled, bytes = 10, published = 0 }: Left,
): Promise<Fixture> {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const dataDir = createTemporaryFolder(t);
  const { log, lines } = createTestLog();
  const metrics = createMetrics();
  const closing: (() => unknown)[] = [];
  t.after(async () => {
    for (const close of closing.toReversed()) await close();
  });
  const gone = openStore(dataDir, storeSchema, log);
  const journal = createJournal(gone);
  for (const id of range(journaled)) journal.add("wx.dispatch.shop", messageOf(id, bytes), Number.POSITIVE_INFINITY);
  const pushes = range(spooled).map((i) => {
    return { service: "shop", user: `shop/${i % 7}`, message: messageOf(journaled + i, bytes) };
  });
  await gone.write((database) => insertSpooled(database, pushes));
  const known = createPublished({ store: gone, log, onForgotten: () => {} });
  for (const id of range(published)) known.add(digestOf(`${id}`));
  known.close();
  const left = gone.database.location() as string;
  const first = openStore(dataDir, storeSchema, log); // in a folder of its own: `gone` is not gone yet
  gone.close();
  const open = (store: Store, prefix = "wx"): ReturnType<Fixture["start"]> => {
    closing.push(() => store.database.isOpen && store.close());
    const parts = { publish: async () => {}, isReady: () => false, log, metrics };
    return {
      store,
      createSpool() {
        const spool = createSpool({ store, names: createNames(prefix), ...parts });
        closing.push(() => spool.close());
        return spool;
      },
    };
  };
  const starts = [first];
  return {
    start: (prefix) => open(starts.shift() ?? openStore(dataDir, storeSchema, log), prefix),
    openLeft() {
      const database = new DatabaseSync(left);
      closing.push(() => database.isOpen && database.close());
      return database;
    },
    folders: () => readdirSync(dataDir).length,
    tick: (ms) => t.mock.timers.tick(ms),
    counted: async () => /^wx_spool_messages (\d+)$/m.exec(await metrics.registry.metrics())?.[1],
    lines: lines.all,
  };
}

function idsIn(database: DatabaseSync, order = "seq"): number[] {
  const query = `SELECT CAST(properties ->> 'messageId' AS INTEGER) AS id FROM spool ORDER BY ${order}`;
  return (database.prepare(query).all() as { id: number }[]).map(({ id }) => id);
}

/** What the spool holds whenever a change of somebody else has its turn. */
async function countAtTurn(store: Store): Promise<number> {
  let count = 0;
  await store.write((database) => {
    count = (database.prepare("SELECT COUNT(*) AS count FROM spool").get() as { count: number }).count;
  });
  return count;
}

const steps: (Required<Omit<Left, "published">> & { most: number })[] = [
  { journaled: 700, spooled: 10_000, bytes: 10, most: 500 },
  { journaled: 5, spooled: 20, bytes: 400_000, most: 3 },
];
for (const { most, ...left } of steps) {
  test(`what a dead gateway left is moved ${most} pushes of ${left.bytes} bytes at a time, and other changes have their turn in between`, async (t) => {
    const { start, folders, tick, counted, lines } = await createFixture(t, left);
    const { store, createSpool: create } = start();
    const spool = create();
    let before = 0;
    while (folders() > 1) {
      const now = await countAtTurn(store);
      assert.ok(now - before <= most, `${now - before} at a time`);
      before = now;
      tick(30_000); // a second adoption does not begin
    }
    const total = left.journaled + left.spooled;
    assert.deepEqual(idsIn(store.database), range(total));
    assert.equal(await counted(), `${total}`);
    assert.ok(spool.holds("wx.dispatch.shop") && spool.holds("shop/6"));
    assert.equal(lines.filter(({ msg }) => msg.startsWith("taking over")).length, 1);
    assert.deepEqual(
      lines.filter(({ level }) => level >= 40),
      [],
    );
  });
}

test("what a dead gateway has published is known to the one that takes its folder over", async (t) => {
  const { start, folders } = await createFixture(t, { spooled: 1, published: 2500 });
  const { store, createSpool: create } = start();
  const own = createPublished({ store, log: createTestLog().log, onForgotten: () => {} });
  own.add(digestOf("7")); // known to both
  own.close();
  create();
  while (folders() > 1) await turn();
  const known = createPublished({ store, log: createTestLog().log, onForgotten: () => {} });
  assert.equal(range(2600).filter((id) => known.has(digestOf(`${id}`))).length, 2500);
  known.close();
});

test("a spool that is closed before it has learnt all that a dead gateway has published leaves the folder for the next process", async (t) => {
  const { start, folders } = await createFixture(t, { spooled: 1, published: 2500 });
  const { store, createSpool: create } = start();
  const spool = create();
  while ((await countAtTurn(store)) < 1);
  await spool.close();
  assert.equal(folders(), 2);
});

test("what a dead gateway left goes by the names that this one uses, whatever amqp.prefix that one had", async (t) => {
  const { start, folders } = await createFixture(t, { journaled: 1, spooled: 1 });
  const { store, createSpool: create } = start("shop");
  create();
  while (folders() > 1) await turn();
  const to = store.database.prepare("SELECT exchange || '>' || routing_key AS place FROM spool ORDER BY seq").all();
  assert.deepEqual(
    to.map(({ place }) => place),
    [">shop.dispatch.shop", "shop.events>msg.text"],
  );
});

test("a spool that is closed meanwhile leaves the rest where it is, and the next process moves it: nothing lost or doubled", async (t) => {
  const { start, openLeft, folders, counted } = await createFixture(t, { spooled: 10_000 });
  const first = start();
  const spool = first.createSpool();
  while ((await countAtTurn(first.store)) < 1000);
  await spool.close();
  const moved = idsIn(first.store.database);
  assert.equal(await counted(), `${moved.length}`);
  const left = openLeft();
  assert.ok(moved.length >= 1000 && moved.length < 3000, `${moved.length} moved`);
  assert.deepEqual([...moved, ...idsIn(left)], range(10_000));
  left.close();
  first.store.close();

  const second = start();
  second.createSpool();
  while (folders() > 1) await turn();
  assert.deepEqual(idsIn(second.store.database, "id"), range(10_000));
});

test("while our disk takes nothing, the folder keeps everything", async (t) => {
  const { start, openLeft, folders, tick, counted, lines } = await createFixture(t, { spooled: 1200 });
  const { store, createSpool: create } = start();
  store.database.exec("PRAGMA query_only = ON");
  const spool = create();
  while (!lines.some(({ msg }) => msg.startsWith("a folder in data-dir cannot be used"))) await turn();
  assert.deepEqual([await counted(), spool.holds("shop/0")], ["0", false]);
  const left = openLeft();
  assert.deepEqual(idsIn(left), range(1200));
  left.close();
  store.database.exec("PRAGMA query_only = OFF");
  tick(30_000);
  while (folders() > 1) await turn();
  assert.deepEqual(idsIn(store.database), range(1200));
});

const refusals = [
  { when: "at once", moved: 0, sql: "CREATE TRIGGER no BEFORE DELETE ON spool BEGIN SELECT RAISE(ABORT, 'no'); END" },
  {
    when: "on its commit",
    moved: 500,
    sql: `CREATE TABLE no (seq REFERENCES spool (seq) DEFERRABLE INITIALLY DEFERRED); INSERT INTO no VALUES (1)`,
  },
];
for (const { when, moved, sql } of refusals) {
  test(`a folder whose disk refuses ${when} to delete: ${moved} are moved, and none twice`, async (t) => {
    const { start, openLeft, folders, tick, lines } = await createFixture(t, { spooled: 1200 });
    const hurt = openLeft();
    hurt.exec(sql);
    hurt.close();
    const { store, createSpool: create } = start();
    create();
    while (!lines.some(({ msg }) => msg.startsWith("a folder in data-dir cannot be used"))) await turn();
    for (let i = 0; i < 3; i++) {
      tick(30_000);
      await countAtTurn(store);
      await turn();
    }
    assert.deepEqual(idsIn(store.database), range(moved));
    const healed = openLeft();
    assert.deepEqual(idsIn(healed), range(1200));
    healed.exec(moved === 0 ? "DROP TRIGGER no" : "DROP TABLE no");
    healed.close();
    tick(30_000);
    while (folders() > 1) await turn();
    assert.deepEqual(idsIn(store.database), range(1200));
  });
}
