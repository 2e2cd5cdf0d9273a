import { resolve } from "node:path";
import { readText } from "./read-text.ts";
import type { Report } from "./report.ts";

/** Where the values of a config may come from besides its text. */
export interface Sources {
  env: NodeJS.ProcessEnv;
  /** Folder that `{"file": "..."}` is relative to. */
  baseDir: string;
}

/**
 * Replaces `${NAME}` inside a string by the environment variable, and `{"file": "path"}` by the file's content without
 * its byte order mark and trailing newlines. Other values stay as they are; undefined means that a fault was reported.
 */
export async function expand(value: unknown, path: string, sources: Sources, report: Report): Promise<unknown> {
  if (typeof value === "string") return expandVariables(value, path, sources.env, report);
  if (!isFileReference(value)) return value;
  const file = expandVariables(value.file, path, sources.env, report);
  return file === undefined ? undefined : await readSecret(resolve(sources.baseDir, file), path, report);
}

function isFileReference(value: unknown): value is { file: string } {
  return typeof value === "object" && value !== null && "file" in value && typeof value.file === "string";
}

function expandVariables(text: string, path: string, env: NodeJS.ProcessEnv, report: Report): string | undefined {
  const unset = new Set<string>();
  const expanded = text.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => {
    if (env[name] === undefined) unset.add(name);
    return env[name] ?? "";
  });
  for (const name of unset) report.fault(path, `the environment variable ${name} is not set`);
  return unset.size === 0 ? expanded : undefined;
}

async function readSecret(file: string, path: string, report: Report): Promise<string | undefined> {
  const read = await readText(file);
  if ("text" in read && !read.flaw) return read.text.replace(/[\r\n]+$/, "");
  report.fault(path, `the file ${file} ${"fault" in read ? read.fault : read.flaw}`);
  return undefined;
}
