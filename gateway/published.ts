import type { DatabaseSync } from "node:sqlite";
import type { Logger } from "../shared/log.ts";
import { reasonOf } from "../shared/reason-of.ts";
import type { Store } from "../shared/store/store.ts";
import { DigestSet, type Digest } from "../shared/digest-set.ts";

/** Table of identities on disk, for `openStore`. */
export const publishedSchema = `
  CREATE TABLE IF NOT EXISTS published (digest BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS published_at ON published (at)`;

const IN_MEMORY = 1_000_000;
/** Longer than WeChat repeats a store event (3.6 h). */
const ON_DISK_MS = 6 * 3_600_000;
const WRITE_EVERY = 500;
/** Deleted at a time, so that no push waits long for the database: more than a gateway can take meanwhile. */
const PRUNE_BATCH = 5000;

/** Remembers the identities of published pushes, so that WeChat's repeats hours later are not published again. */
export interface Published {
  has(digest: Digest): boolean;
  add(digest: Digest): void;
  close(): void;
}

export interface PublishedParts {
  /** With a store, identities stay known for 6 h and over a restart; without, the last million in memory. */
  store: Store | undefined;
  log: Logger;
  /** Called when an identity had to be forgotten for a newer one. */
  onForgotten: () => void;
}

export function createPublished({ store, log, onForgotten }: PublishedParts): Published {
  const recent = new DigestSet(IN_MEMORY);
  const disk = store && createPublishedOnDisk(store, log);
  return {
    has: (digest) => recent.has(digest) || (disk?.has(digest) ?? false),
    add(digest) {
      const forgot = recent.add(digest);
      if (disk) disk.add(digest);
      else if (forgot) onForgotten();
    },
    close: () => disk?.close(),
  };
}

/** Written twice a second: a crash in between costs a duplicate with the same identity, not a push. */
function createPublishedOnDisk(store: Store, log: Logger): Published {
  const known = store.database.prepare("SELECT 1 FROM published WHERE digest = ? AND at > ?");
  const insert = store.database.prepare("INSERT OR REPLACE INTO published (digest, at) VALUES (?, ?)");
  const prune = store.database.prepare(
    "DELETE FROM published WHERE digest IN (SELECT digest FROM published WHERE at <= ? LIMIT ?)",
  );
  let fresh: Digest[] = [];
  /** Whether the last ones could not be written: a full disk is told once. */
  let isDiskFull = false;

  function write(): void {
    const digests = fresh;
    fresh = [];
    const at = Date.now();
    const writing = store.write(() => {
      prune.run(at - ON_DISK_MS, PRUNE_BATCH); // first: on a full disk it makes the room
      for (const digest of digests) insert.run(bytesOf(digest), at);
    });
    writing.then(
      () => (isDiskFull &&= digests.length === 0), // a full disk takes nothing well
      (error: unknown) => {
        if (!isDiskFull) log.error({ reason: reasonOf(error) }, "identities cannot be written: check data-dir's disk");
        isDiskFull = true;
      },
    );
  }

  const writing = setInterval(write, WRITE_EVERY);
  return {
    has: (digest) => known.get(bytesOf(digest), Date.now() - ON_DISK_MS) !== undefined,
    add: (digest) => void fresh.push(digest),
    close() {
      clearInterval(writing);
      write();
    },
  };
}

/** Rows copied at a time: meanwhile nothing else has its turn. */
const COPY_BATCH = 500;

/** Resolves once the store knows what a database does, or when that `isOver`; tells which. Done again, it changes nothing. */
export async function copyPublished(from: DatabaseSync, store: Store, isOver: () => boolean): Promise<boolean> {
  const next = from.prepare("SELECT * FROM published WHERE digest > ? ORDER BY digest LIMIT ?");
  for (let last = new Uint8Array(); ;) {
    if (isOver()) return false;
    const rows = next.all(last, COPY_BATCH) as unknown as { digest: Uint8Array<ArrayBuffer>; at: number }[];
    if (rows.length === 0) return true;
    await store.write((database) => {
      const insert = database.prepare("INSERT OR IGNORE INTO published (digest, at) VALUES (?, ?)");
      for (const { digest, at } of rows) insert.run(digest, at);
    });
    last = rows.at(-1)?.digest ?? last;
  }
}

function bytesOf({ buffer }: Digest): Uint8Array {
  return new Uint8Array(buffer);
}
