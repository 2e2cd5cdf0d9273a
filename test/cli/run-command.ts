import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Closing } from "../support/loopback-server.ts";
import { createReaper } from "../support/reaper.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const entry = join(root, "cli/wx-bridge.js");

export interface Finished {
  /** The exit code, or the signal that has ended it. */
  code: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
}

/** A running command; `said` resolves with the first match in its output, and rejects when it ends without. */
export interface Running {
  readonly output: string;
  said(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  finished: Promise<Finished>;
}

/** Runs `wx-bridge` with these arguments; nothing of the caller's own settings goes along. It is killed at the end. */
export function startCommand(
  t: Closing,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  flags: string[] = [],
): Running {
  const child = spawn(process.execPath, [...flags, entry, ...args], { env: withoutSettings(env) });
  return follow(t, child, async () => void child.kill("SIGKILL"));
}

/** Runs a script of package.json. `signal` reaches npm alone; killed at the end is all that npm has started, too. */
export function startScript(t: Closing, script: string, env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn("npm", ["run", script], { cwd: root, env: withoutSettings(env), detached: true });
  const reaper = createReaper();
  reaper.watch(child.pid);
  return follow(t, child, reaper.reap);
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, NODE_COMPILE_CACHE, ...env };
}

function follow(t: Closing, child: ChildProcessWithoutNullStreams, kill: () => Promise<void>): Running {
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => void (text[name] += chunk));
  }
  const finished = once(child, "close").then((ended) => {
    const [code, signal] = ended as [number, null] | [null, NodeJS.Signals];
    return { code: code ?? signal, ...text };
  });
  t.after(async () => {
    await kill();
    await finished;
  });
  return {
    get output() {
      return text.stdout + text.stderr;
    },
    said: (pattern) => waitFor(child, () => pattern.exec(text.stdout + text.stderr), finished),
    signal: (name) => void child.kill(name),
    finished,
  };
}

async function waitFor(child: ChildProcess, find: () => RegExpExecArray | null, finished: Promise<Finished>) {
  let ended: Finished | undefined;
  void finished.then((result) => (ended = result));
  for (;;) {
    const found = find();
    if (found) return found;
    if (ended) throw new Error(`ended with ${ended.code}:\n${ended.stdout}${ended.stderr}`);
    await Promise.race([once(child.stdout ?? child, "data"), once(child.stderr ?? child, "data"), finished]);
  }
}

export function runCommand(
  t: Closing,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  flags: string[] = [],
): Promise<Finished> {
  return startCommand(t, args, env, flags).finished;
}

/** Writes a file that is gone after the test. */
export async function writeTemporary(t: Closing, name: string, content: string | object): Promise<string> {
  const folder = createTemporaryFolder(t);
  const path = join(folder, name);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}
