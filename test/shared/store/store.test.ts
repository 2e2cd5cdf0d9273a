import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { tryOpen } from "../../../shared/store/folders.ts";
import { openStore, type Store } from "../../../shared/store/store.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { createTestLog, type LogLine } from "../bus/test-log.ts";

const schema = "CREATE TABLE IF NOT EXISTS numbers (number INTEGER)";

interface Fixture {
  dataDir: string;
  /** A store as a process has it that starts now. */
  start: () => Store;
  lines: readonly LogLine[];
}

async function createFixture(t: TestContext): Promise<Fixture> {
  const dataDir = createTemporaryFolder(t);
  const { log, lines } = createTestLog();
  const stores: Store[] = [];
  t.after(async () => {
    for (const store of stores) if (store.database.isOpen) store.close();
  });
  return {
    dataDir,
    start() {
      const store = openStore(dataDir, schema, log);
      stores.push(store);
      return store;
    },
    lines: lines.all,
  };
}

function numbersOf(database: DatabaseSync): number[] {
  return (database.prepare("SELECT number FROM numbers").all() as { number: number }[]).map(({ number }) => number);
}

test("a process whose own folder somebody has deleted takes nothing over into it, and tells", async (t) => {
  const { start, lines } = await createFixture(t);
  const [own, other] = [start(), start()];
  await rm(dirname(own.database.location() as string), { recursive: true });
  other.close();
  await own.adopt(async () => assert.fail("it is taken over"));
  assert.equal(lines.length, 1);
  assert.match(lines[0]?.msg ?? "", /^this process's folder in data-dir is gone/);
});

test("while processes start, others take over what is left: each start succeeds, and nothing written is lost", async (t) => {
  const { dataDir, start } = await createFixture(t);
  const own = start();
  const found: number[] = [];
  const takeOver = async (orphan: DatabaseSync): Promise<boolean> => found.push(...numbersOf(orphan)) >= 0;
  const starting = new URL("./starting-process.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [starting, dataDir, "300"], { stdio: ["ignore", "inherit", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  while (child.exitCode === null) {
    await own.adopt(takeOver);
    await turn();
  }
  assert.equal(child.exitCode, 0);
  await own.adopt(takeOver);
  assert.deepEqual(
    found.toSorted((a, b) => a - b),
    Array.from({ length: 300 }, (_, number) => number),
  );
  assert.equal((await readdir(dataDir)).length, 1);
});

test("damaged and unreadable folders are named once each and left as they are; start and takeover go on without them", async (t) => {
  const { dataDir, start, lines } = await createFixture(t);
  const sick = start();
  await sick.write((database) => {
    for (let number = 0; number < 10_000; number++) database.prepare("INSERT INTO numbers VALUES (?)").run(number);
  });
  const sound = start();
  await sound.write((database) => database.prepare("INSERT INTO numbers VALUES (1)").run());
  const damaged = sick.database.location() as string;
  const soundFile = sound.database.location() as string;
  sick.close();
  const file = await open(damaged, "r+");
  await file.write(Buffer.alloc(8192, 65), 0, 8192, 8192);
  await file.close();
  const [garbage = "", noFile = ""] = ["0", "f"].map((digit) => join(dataDir, digit.repeat(16), "wx-bridge.db"));
  await mkdir(dirname(garbage));
  await writeFile(garbage, "no database ".repeat(1000));
  await mkdir(noFile, { recursive: true });
  const contents = await Promise.all([damaged, garbage].map((path) => readFile(path)));

  const own = start();
  sound.close();
  const found: number[] = [];
  const takeOver = async (orphan: DatabaseSync): Promise<boolean> => found.push(...numbersOf(orphan)) >= 0;
  for (let i = 0; i < 2; i++) await own.adopt(takeOver);
  assert.deepEqual(found, [1]);
  const warned = lines.filter(({ level }) => level >= 40).map(({ folder, msg }) => ({ folder, msg }));
  const msg = "a folder in data-dir cannot be used and is left there: repair it, or move it away";
  assert.deepEqual(
    new Map(warned.map((line) => [line.folder, line.msg])),
    new Map([damaged, garbage, noFile].map((path) => [dirname(path), msg])),
  );
  assert.equal(warned.length, 3);
  const takenOver = lines.filter(({ msg }) => msg.startsWith("taking over"));
  assert.deepEqual(
    takenOver.map(({ folder }) => folder),
    [dirname(soundFile)],
  );
  assert.deepEqual(await Promise.all([damaged, garbage].map((path) => readFile(path))), contents);
});

function insert(database: DatabaseSync, number: number): void {
  database.prepare("INSERT INTO numbers VALUES (?)").run(number);
}

test("changes that come together share their fate; one that fails costs none that comes later", async (t) => {
  const { start } = await createFixture(t);
  const store = start();
  const failing = [
    store.write((database) => insert(database, 1)),
    store.write(() => assert.fail("a change that fails")),
    store.write((database) => insert(database, 2)),
  ];
  for (const { status } of await Promise.allSettled(failing)) assert.equal(status, "rejected");
  assert.deepEqual(numbersOf(store.database), []);
  await store.write((database) => insert(database, 3));
  assert.deepEqual(numbersOf(store.database), [3]);
});

test("what is still to be written when a store is closed is on disk", async (t) => {
  const { start } = await createFixture(t);
  const store = start();
  const writing = store.write((database) => insert(database, 1));
  store.close();
  await writing;
  assert.deepEqual(numbersOf(start().database), [1]);
});

test("a change that comes when the store is closed is refused", async (t) => {
  const { start } = await createFixture(t);
  const store = start();
  store.close();
  await assert.rejects(store.write((database) => insert(database, 1)));
  assert.deepEqual(numbersOf(start().database), []);
});

test("a folder is its owner's alone, and what is written is synced", async (t) => {
  const { dataDir, start } = await createFixture(t);
  const { database } = start();
  const [own = ""] = await readdir(dataDir);
  assert.equal((await stat(join(dataDir, own))).mode & 0o777, 0o700);
  assert.equal(database.prepare("PRAGMA synchronous").get()?.["synchronous"], 2);
});

test("a folder that another process does away with while it is opened is not taken", async (t) => {
  const { dataDir } = await createFixture(t);
  for (const fail of [() => {}, () => assert.fail("the disk")]) {
    const folder = join(dataDir, "0123456789abcdef");
    await mkdir(folder);
    const opened = tryOpen(folder, schema, () => {
      rmSync(folder, { recursive: true });
      fail();
    });
    assert.equal(opened, undefined);
  }
});

test("what cannot be taken over ends the round, and what is gone is deleted unread", async (t) => {
  const { dataDir, start } = await createFixture(t);
  const stores = [start(), start(), start()];
  for (const [number, store] of stores.entries()) await store.write((database) => insert(database, number));
  const own = start();
  const folders = stores.map(({ database }) => dirname(database.location() as string));
  for (const store of stores) store.close();
  await rename(folders[2] ?? "", `${folders[2]}-gone`);
  const asked: number[][] = [];
  const ask = (answer: boolean) => own.adopt(async (orphan) => asked.push(numbersOf(orphan)) > 0 && answer);
  await ask(false);
  assert.equal(asked.length, 1);
  await ask(true);
  assert.deepEqual(new Set(asked.flat()), new Set([0, 1]));
  assert.equal((await readdir(dataDir)).length, 1);
});
