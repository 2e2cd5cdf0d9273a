import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { Failure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { makeFolder } from "../make-folder.ts";
import { reasonOf } from "../reason-of.ts";
import { checkPages, deleteGone, foldersOf, markGone, tryOpen } from "./folders.ts";

/** New folders may be taken over before they are locked; on a disk that knows no locks each one seems to be. */
const NEW_FOLDERS = 10;

/** A change to be made inside the next transaction; it may not wait for anything. */
export type Change = (database: DatabaseSync) => void;

const ownGone =
  "this process's folder in data-dir is gone, and what it keeps there is lost when it ends: start it again";

/** Tells whether everything in the database is taken over. What it leaves in a transaction is rolled back. */
export type TakeOver = (orphan: DatabaseSync) => Promise<boolean>;

/**
 * One process's own SQLite database below `data-dir`, in a folder that is locked while the process lives: nobody else
 * can open it, and after a crash, kill -9 included, the next process can.
 */
export interface Store {
  readonly database: DatabaseSync;
  /** Resolves once the change is on disk, synced. Changes that come together share a transaction, and its fate. */
  write(change: Change): Promise<void>;
  /** Throws when somebody has deleted this process's folder: what is written then is lost when the process ends. */
  checkFolder(): void;
  /** Writes at once what would be written soon: what is read then is all there is. */
  flush(): void;
  /**
   * Opens each database of a process that is gone, hands it over and deletes it. When `takeOver` resolves with false,
   * it is not done: that database stays for another time, and so do those after it. One that cannot be opened or taken
   * over stays, too, is named in a warning once, and hinders no other. When somebody has deleted this process's own
   * folder, nothing is taken over, and an error tells.
   */
  adopt(takeOver: TakeOver): Promise<void>;
  close(): void;
}

/**
 * Takes an unlocked folder below `dataDir`, else makes one, and runs `schema` in its database. A damaged or unreadable
 * folder is named in a warning and left alone. Throws `CONFIG_INVALID` when `dataDir` itself cannot be used.
 */
export function openStore(dataDir: string, schema: string, log: Logger): Store {
  const spoilt = createSpoilt(log);
  const own = openOwn(dataDir, schema, spoilt.tell);
  const { database } = own;
  let waiting: { change: Change; resolve: () => void; reject: (error: unknown) => void }[] = [];

  function commit(): void {
    if (waiting.length === 0) return;
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

  /** Tells whether to go on with the next folder. */
  async function adoptFolder(folder: string, takeOver: TakeOver): Promise<boolean> {
    let orphan: DatabaseSync | undefined;
    try {
      orphan = tryOpen(folder, schema);
      if (orphan === undefined) return true;
      if (!spoilt.has(folder)) log.info({ folder }, "taking over the folder of a process that is gone");
      const isDone = await takeOver(orphan);
      if (isDone) markGone(folder);
      return isDone;
    } catch (error) {
      spoilt.tell(folder, error);
      return true;
    } finally {
      orphan?.close();
    }
  }

  return {
    database,
    write(change) {
      return new Promise((resolve, reject) => {
        waiting.push({ change, resolve, reject });
        if (waiting.length === 1) setImmediate(commit);
      });
    },
    checkFolder() {
      if (!existsSync(own.folder)) throw new Error(ownGone);
    },
    flush: commit,
    async adopt(takeOver) {
      if (!existsSync(own.folder)) return log.error({ folder: own.folder }, ownGone);
      for (const folder of foldersOf(dataDir)) {
        if (folder !== own.folder && !(await adoptFolder(folder, takeOver))) break;
      }
      deleteGone(dataDir);
    },
    close() {
      commit();
      database.close();
    },
  };
}

/** Folders that cannot be used, each told once. */
function createSpoilt(log: Logger): { has(folder: string): boolean; tell: TellSpoilt } {
  const told = new Set<string>();
  return {
    has: (folder) => told.has(folder),
    tell(folder, error) {
      if (told.has(folder)) return;
      told.add(folder);
      const reason = reasonOf(error);
      log.warn({ folder, reason }, "a folder in data-dir cannot be used and is left there: repair it, or move it away");
    },
  };
}

type TellSpoilt = (folder: string, error: unknown) => void;

function openOwn(dataDir: string, schema: string, tellSpoilt: TellSpoilt): { database: DatabaseSync; folder: string } {
  try {
    makeFolder(dataDir);
    return openFirst(dataDir, schema, tellSpoilt) ?? openNew(dataDir, schema);
  } catch (error) {
    const reason = reasonOf(error);
    throw new Failure("CONFIG_INVALID", `data-dir: ${dataDir} cannot be used: ${reason}`, { cause: error });
  }
}

function openFirst(
  dataDir: string,
  schema: string,
  tellSpoilt: TellSpoilt,
): { database: DatabaseSync; folder: string } | undefined {
  for (const folder of foldersOf(dataDir)) {
    try {
      const database = tryOpen(folder, schema, checkPages);
      if (database) return { database, folder };
    } catch (error) {
      tellSpoilt(folder, error);
    }
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
