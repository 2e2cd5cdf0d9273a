import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { codeOf } from "../code-of.ts";
import type { Logger } from "../log.ts";
import { makeFolder } from "../make-folder.ts";
import type { Credential } from "./credential-store.ts";

/** Where a credential is kept for later starts and for other processes. */
export interface CredentialFile {
  /** undefined for a file that is missing, unreadable or corrupt. */
  read(): Promise<Credential | undefined>;
  /** Never rejects: without the file, the credential is merely fetched once a process. */
  write(credential: Credential): Promise<void>;
}

export interface CredentialFileOptions {
  /** undefined = nothing is kept. */
  path: string | undefined;
  /** The name the value has in the file: `token` or `ticket`. */
  field: string;
  log: Logger;
}

/**
 * The file `{"expire":<epoch s>,"<field>":"<value>"}`, as go-wx-gateway keeps it. Replaced as a whole, readable by its
 * owner alone, its folder made when missing. The first fault of each kind is logged, by its code: never the content.
 */
export function createCredentialFile({ path, field, log }: CredentialFileOptions): CredentialFile {
  const told = new Set<string>();

  function tellOnce(message: string, error: unknown): void {
    if (told.has(message)) return;
    told.add(message);
    log.warn({ file: path, reason: codeOf(error, "corrupt") }, message);
  }

  async function read(): Promise<Credential | undefined> {
    if (path === undefined) return undefined;
    try {
      return parse(await readFile(path, "utf8"), field);
    } catch (error) {
      if (codeOf(error, "corrupt") !== "ENOENT") tellOnce("credential file not usable: fetching anew", error);
      return undefined;
    }
  }

  async function write({ value, expire }: Credential): Promise<void> {
    if (path === undefined) return;
    try {
      makeFolder(dirname(path));
      await writeFileAtomic(path, JSON.stringify({ expire, [field]: value }), { mode: 0o600, fsync: false });
    } catch (error) {
      tellOnce("credential file cannot be written: kept in memory only", error);
    }
  }

  return { read, write };
}

function parse(text: string, field: string): Credential {
  const { expire, [field]: value } = JSON.parse(text) as Record<string, unknown>;
  if (typeof expire !== "number" || typeof value !== "string" || value === "") throw new SyntaxError("fields missing");
  return { value, expire };
}
