import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Failure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { makeFolder } from "../make-folder.ts";

const FILE = "wx-bridge.db";
/** Ends the name of a folder that nobody is to open any more. */
const GONE = "-gone";
const SQLITE_BUSY = 5;
/** New folders may be taken over before they are locked; on a disk that knows no locks each one seems to be. */
const NEW_FOLDERS = 10;

/** A change to be made inside the next transaction; it may not wait for anything. */
export type Change = (database: DatabaseSync) => void;

/**
 * One process's own SQLite database below `data-dir`, in a folder that is locked while the process lives: nobody else
 * can open it, and after a crash, kill -9 included, the next process can.
 */
export interface Store {
  readonly database: DatabaseSync;
  /** Resolves once the change is on disk, synced. Changes that come together share a transaction, and its fate. */
  write(change: Change): Promise<void>;
  /** Opens the database of a process that is gone, hands it over and deletes it; a few at a time are enough. */
  adopt(takeOver: (orphan: DatabaseSync) => Promise<void>): Promise<void>;
  close(): void;
}

/**
 * Takes an unlocked folder below `dataDir`, else makes one, and runs `schema` in its database. Throws `CONFIG_INVALID`
 * when that folder cannot be used.
 */
export function openStore(dataDir: string, schema: string, log: Logger): Store {
  const own = openOwn(dataDir, schema);
  const { database } = own;
  let waiting: { change: Change; resolve: () => void; reject: (error: unknown) => void }[] = [];

  function commit(): void {
    const changes = waiting;
    waiting = [];
    try {
      database.exec("BEGIN IMMEDIATE");
      for (const { change } of changes) change(database);
      database.exec("COMMIT");
    } catch (error) {
      if (database.isOpen && database.isTransaction) database.exec("ROLLBACK");
      for (const { reject } of changes) reject(error);
      return;
    }
    for (const { resolve } of changes) resolve();
  }

  return {
    database,
    write(change) {
      return new Promise((resolve, reject) => {
        waiting.push({ change, resolve, reject });
        if (waiting.length === 1) setImmediate(commit);
      });
    },
    async adopt(takeOver) {
      for (const name of foldersOf(dataDir)) {
        const folder = join(dataDir, name);
        const orphan = folder === own.folder ? undefined : tryOpen(folder, schema);
        if (orphan === undefined) continue;
        log.info({ folder }, "taking over the folder of a process that is gone");
        try {
          await takeOver(orphan);
          renameSync(folder, folder + GONE); // still locked: whoever gets the lock next finds that it is gone
        } finally {
          orphan.close();
        }
      }
      for (const name of foldersOf(dataDir, GONE)) deleteGone(join(dataDir, name));
    },
    close() {
      if (waiting.length > 0) commit();
      database.close();
    },
  };
}

function openOwn(dataDir: string, schema: string): { database: DatabaseSync; folder: string } {
  try {
    makeFolder(dataDir);
    return openFirst(dataDir, schema) ?? openNew(dataDir, schema);
  } catch (error) {
    const reason = (error as Error).message;
    throw new Failure("CONFIG_INVALID", `data-dir: ${dataDir} cannot be used: ${reason}`, { cause: error });
  }
}

function openFirst(dataDir: string, schema: string): { database: DatabaseSync; folder: string } | undefined {
  for (const name of foldersOf(dataDir)) {
    const folder = join(dataDir, name);
    const database = tryOpen(folder, schema);
    if (database) return { database, folder };
  }
  return undefined;
}

function openNew(dataDir: string, schema: string): { database: DatabaseSync; folder: string } {
  for (let i = 0; i < NEW_FOLDERS; i++) {
    const folder = join(dataDir, randomBytes(8).toString("hex"));
    mkdirSync(folder, { mode: 0o700 });
    const database = tryOpen(folder, schema);
    if (database) return { database, folder };
  }
  throw new Error("its folders cannot be locked");
}

function foldersOf(dataDir: string, ending = ""): string[] {
  const names = new RegExp(`^[0-9a-f]{16}${ending}$`);
  const entries = readdirSync(dataDir, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && names.test(entry.name)).map(({ name }) => name);
}

/** One that another process deletes, too, may not be empty for a moment: what stays is deleted the next time. */
function deleteGone(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {}
}

/** undefined while another process has it, or when that one has just done away with it; a damaged database throws. */
function tryOpen(folder: string, schema: string): DatabaseSync | undefined {
  try {
    const database = open(folder, schema);
    if (existsSync(join(folder, FILE))) return database; // a name is never used again: this is the file that is locked
    database.close();
    return undefined;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY || !existsSync(folder)) return undefined;
    throw error;
  }
}

/** The exclusive lock is taken by the first transaction and held until the database is closed or the process ends. */
function open(folder: string, schema: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, FILE), { timeout: 0 });
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec(`BEGIN IMMEDIATE; ${schema}; COMMIT`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
