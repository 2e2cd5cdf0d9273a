import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { unpackPika } from "./debian-packages.ts";

const exec = promisify(execFile);

/** A Python that can import pika: the program, and what its environment needs. */
export interface PikaPython {
  python: string;
  env: { PYTHONPATH?: string };
}

/**
 * The machine's own pika, else Debian's or Ubuntu's package unpacked into the cache folder. Throws what to install when
 * there is neither.
 */
export async function obtainPika(): Promise<PikaPython> {
  // Debian's packages are for Debian's own Python, whatever comes first on the PATH.
  const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
  if (await hasPika(python, {})) return { python, env: {} };
  try {
    const env = { PYTHONPATH: await unpackPika() };
    if (await hasPika(python, env)) return { python, env };
    throw new Error(`${python} cannot import what was unpacked`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`no pika for Python (${reason}): apt-get install python3-pika, or pip install pika`, { cause });
  }
}

async function hasPika(python: string, env: PikaPython["env"]): Promise<boolean> {
  return exec(python, ["-c", "import pika"], { env: { ...process.env, ...env } }).then(
    () => true,
    () => false,
  );
}
