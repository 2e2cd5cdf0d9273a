import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { codeOf } from "../code-of.ts";
import type { Logger } from "../log.ts";
import { makeFolder } from "../make-folder.ts";

/** Where something that WeChat gave is kept for later starts and for other processes. */
export interface KeptFile<T> {
  /** undefined for a file that is missing, unreadable or corrupt. */
  read(): Promise<T | undefined>;
  /** Never rejects: without the file, the value is merely fetched once a process. */
  write(value: T): Promise<void>;
}

export interface KeptFileOptions<T> {
  /** undefined = nothing is kept. */
  path: string | undefined;
  /** What log lines call the file. */
  name: string;
  /** What the file holds, as JSON. */
  fieldsOf: (value: T) => Record<string, unknown>;
  /** Throws for fields that hold no value. */
  valueOf: (fields: Record<string, unknown>) => T;
  log: Logger;
}

/**
 * A JSON file that is replaced as a whole, readable by its owner alone, its folder made when missing. The first fault of
 * each kind is logged, by its code: never the content.
 */
export function createKeptFile<T>({ path, name, fieldsOf, valueOf, log }: KeptFileOptions<T>): KeptFile<T> {
  const told = new Set<string>();

  function tellOnce(message: string, error: unknown): void {
    if (told.has(message)) return;
    told.add(message);
    log.warn({ file: path, reason: codeOf(error, "corrupt") }, message);
  }

  async function read(): Promise<T | undefined> {
    if (path === undefined) return undefined;
    try {
      return valueOf(JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>);
    } catch (error) {
      if (codeOf(error, "corrupt") !== "ENOENT") tellOnce(`${name} file not usable: fetching anew`, error);
      return undefined;
    }
  }

  async function write(value: T): Promise<void> {
    if (path === undefined) return;
    try {
      makeFolder(dirname(path));
      await writeFileAtomic(path, JSON.stringify(fieldsOf(value)), { mode: 0o600, fsync: false });
    } catch (error) {
      tellOnce(`${name} file cannot be written: kept in memory only`, error);
    }
  }

  return { read, write };
}
