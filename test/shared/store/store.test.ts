import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { openStore, type Store } from "../../../shared/store/store.ts";
import { createTestLog, type LogLine } from "../bus/test-log.ts";

const schema = "CREATE TABLE IF NOT EXISTS numbers (number INTEGER)";

interface Fixture {
  dataDir: string;
  /** A store as a process has it that starts now. */
  start: () => Store;
  lines: readonly LogLine[];
}

async function createFixture(t: TestContext): Promise<Fixture> {
  const dataDir = await mkdtemp(join(tmpdir(), "wx-bridge-store-"));
  const { log, lines } = createTestLog();
  const stores: Store[] = [];
  t.after(async () => {
    for (const store of stores) store.close();
    await rm(dataDir, { recursive: true });
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

test("while processes start, others take over what is left: each start succeeds, and nothing written is lost", async (t) => {
  const { dataDir, start } = await createFixture(t);
  const own = start();
  const found: number[] = [];
  const takeOver = async (orphan: DatabaseSync): Promise<void> => void found.push(...numbersOf(orphan));
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
