import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { createPublished, publishedSchema, type Published } from "../../gateway/published.ts";
import { digestOf } from "../../shared/digest-set.ts";
import { openStore, type Store } from "../../shared/store/store.ts";
import { createTestLog } from "../shared/bus/test-log.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const HOUR = 3_600_000;
const MILLION = 1_000_000;
const { log, lines } = createTestLog();

/** Identities as a process sees them that starts at the time of the test's clock. */
async function createStarts(t: TestContext): Promise<() => { published: Published; store: Store; end: () => void }> {
  const folder = createTemporaryFolder(t);
  mock.timers.enable({ apis: ["Date", "setInterval"], now: Date.now() });
  t.after(() => mock.timers.reset());
  return () => {
    const store = openStore(folder, publishedSchema, log);
    const published = createPublished({
      store,
      log,
      onForgotten: () => assert.fail("what is on disk is not forgotten"),
    });
    return {
      published,
      store,
      end() {
        published.close();
        store.close();
      },
    };
  };
}

test("with data-dir an identity is known for 6 h and over restarts, and then leaves the disk", async (t) => {
  const start = await createStarts(t);
  const first = start();
  first.published.add(digestOf("shop/oUSER/1"));
  first.end();
  mock.timers.tick(6 * HOUR - 1000);
  const second = start();
  assert.ok(second.published.has(digestOf("shop/oUSER/1")));
  assert.ok(!second.published.has(digestOf("shop/oUSER/2")));
  second.end();
  mock.timers.tick(1000);
  const third = start();
  assert.ok(!third.published.has(digestOf("shop/oUSER/1")));
  const count = (): unknown => third.store.database.prepare("SELECT COUNT(*) AS count FROM published").get();
  assert.deepEqual({ ...(count() as object) }, { count: 1 });
  mock.timers.tick(60_000);
  await third.store.write(() => {}); // behind what the minute has brought
  assert.deepEqual({ ...(count() as object) }, { count: 0 });
  third.end();
});

test("what is older than 6 h leaves the disk as fast as a gateway can take pushes, a little at a time, and on a full one makes room for new ones", async (t) => {
  const start = await createStarts(t);
  const { published, store, end } = start();
  const count = (): unknown => store.database.prepare("SELECT COUNT(*) AS count FROM published").get()?.["count"];
  store.database.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
    INSERT INTO published SELECT CAST(i AS BLOB), 0 FROM n`);
  store.database.exec("PRAGMA max_page_count = 1"); // no more than it has
  for (let id = 0; id < 200; id++) published.add(digestOf(`shop/oUSER/${id}`));
  mock.timers.tick(500);
  await store.write(() => {});
  assert.equal(count(), 25_200);
  mock.timers.tick(2500);
  await store.write(() => {});
  assert.equal(count(), 200);
  end();
});

test("a disk that does not take identities is told of once, until it does", async (t) => {
  const start = await createStarts(t);
  const { published, store, end } = start();
  let id = 0;
  for (const isFull of [true, false, true]) {
    store.database.exec(`PRAGMA max_page_count = ${isFull ? 1 : MILLION}`); // 1: no more than it has
    for (const count of [1000, 0, 1000]) {
      for (const end = id + count; id < end; id++) published.add(digestOf(`shop/oUSER/${id}`));
      mock.timers.tick(500);
      await store.write(() => {}).catch(() => {});
    }
  }
  assert.equal(lines.all.filter(({ msg }) => msg.startsWith("identities cannot be written")).length, 2);
  end();
});

test("what is not closed loses half a second at most", async (t) => {
  const start = await createStarts(t);
  const { published, store } = start();
  published.add(digestOf("shop/oUSER/1"));
  mock.timers.tick(500);
  await store.write(() => {});
  store.close(); // and not `published.close`, as after a kill -9
  const next = start();
  assert.ok(next.published.has(digestOf("shop/oUSER/1")));
  next.end();
});

test("the 6 h count from when it was published; one that is published after them is known anew, and so is what came with it", async (t) => {
  const start = await createStarts(t);
  const first = start();
  first.published.add(digestOf("shop/oUSER/1"));
  for (const ms of [500, HOUR]) {
    mock.timers.tick(ms);
    await first.store.write(() => {});
  }
  first.end();
  mock.timers.tick(5 * HOUR);
  const second = start();
  assert.ok(!second.published.has(digestOf("shop/oUSER/1")));
  for (const id of [0, 1, 2]) second.published.add(digestOf(`shop/oUSER/${id}`));
  second.end();
  const third = start();
  assert.deepEqual(
    [0, 1, 2].map((id) => third.published.has(digestOf(`shop/oUSER/${id}`))),
    [true, true, true],
  );
  third.end();
});

test("without data-dir a million are known; each one more makes the oldest forgotten, and is counted", () => {
  let forgotten = 0;
  const published = createPublished({ store: undefined, log, onForgotten: () => forgotten++ });
  for (let i = 0; i < MILLION; i++) published.add(digestOf(`shop/oUSER/${i}`));
  assert.deepEqual([published.has(digestOf("shop/oUSER/0")), forgotten], [true, 0]);
  published.add(digestOf("shop/oUSER/one more"));
  published.add(digestOf("shop/oUSER/two more"));
  assert.deepEqual(
    ["0", "1", "2", `${MILLION - 1}`, "two more"].map((id) => published.has(digestOf(`shop/oUSER/${id}`))),
    [false, false, true, true, true],
  );
  assert.equal(forgotten, 2);
  published.close();
});
