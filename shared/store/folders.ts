import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const FILE = "wx-bridge.db";
/** Ends the name of a folder that nobody is to open any more. */
const GONE = "-gone";
const SQLITE_BUSY = 5;

/** The folders below `dataDir` that hold a process's database each. */
export function foldersOf(dataDir: string, ending = ""): string[] {
  const names = new RegExp(`^[0-9a-f]{16}${ending}$`);
  const entries = readdirSync(dataDir, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && names.test(entry.name))
    .map(({ name }) => join(dataDir, name));
}

/** To be called while the folder's database is still locked: whoever gets the lock next finds that it is gone. */
export function markGone(folder: string): void {
  renameSync(folder, folder + GONE);
}

/** One that another process deletes, too, may not be empty for a moment: what stays is deleted the next time. */
export function deleteGone(dataDir: string): void {
  for (const folder of foldersOf(dataDir, GONE)) {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {}
  }
}

/**
 * Opens and locks a folder's database; undefined while another process has it, or when that one has just done away with
 * it. Throws when it is damaged or unreadable, or when `check` throws.
 */
export function tryOpen(
  folder: string,
  schema: string,
  check: (database: DatabaseSync) => void = () => {},
): DatabaseSync | undefined {
  try {
    const database = open(folder, schema, check);
    if (existsSync(join(folder, FILE))) return database; // a name is never used again: this is the file that is locked
    database.close();
    return undefined;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY || !existsSync(folder)) return undefined;
    throw error;
  }
}

/** The exclusive lock is taken by the first transaction and held until the database is closed or the process ends. */
function open(folder: string, schema: string, check: (database: DatabaseSync) => void): DatabaseSync {
  const database = new DatabaseSync(join(folder, FILE), { timeout: 0 });
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec(`BEGIN IMMEDIATE; ${schema}; COMMIT`);
    check(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Throws when a page is damaged: found only later, it would fail the start, or what is written then. */
export function checkPages(database: DatabaseSync): void {
  const { quick_check: result } = database.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
  if (result !== "ok") throw new Error(result);
}
