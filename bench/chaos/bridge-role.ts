import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { appendFile, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Closing } from "../../test/support/loopback-server.ts";
import { createReaper } from "../../test/support/reaper.ts";
import { withoutSettings } from "../../test/support/without-settings.ts";

const entry = join(import.meta.dirname, "../../cli/wx-bridge.js");
const START_LIMIT = 60_000;
/** The bridge gives itself 10 s to drain. */
const DRAIN_LIMIT = 12_000;

/** `wx-bridge gateway` or `wx-bridge dispatcher`, to be hurt. */
export interface BridgeRole {
  /** Resolves when it says that it is ready. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** SIGTERM, and SIGKILL when it does not drain in time; resolves to the exit code, null after a SIGKILL. */
  drain(): Promise<number | null>;
}

export interface BridgeRoleOptions {
  role: "gateway" | "dispatcher";
  config: object;
  /** Where its config and its log go; the log of all its lives is one file. */
  folder: string;
  /** It was ready and ended, and nobody had asked for that; it is started again. */
  onCrash: () => void;
}

/** A role whose process is in a group of its own, which ends when the harness is gone without a word, too. */
export async function createBridgeRole(stage: Closing, options: BridgeRoleOptions): Promise<BridgeRole> {
  const { role, folder } = options;
  const configFile = join(folder, `${role}.conf.json`);
  const logFile = join(folder, `${role}.log`);
  await writeFile(configFile, JSON.stringify(options.config, undefined, 2));
  const reaper = createReaper();
  stage.after(() => reaper.reap());
  let child: ChildProcess | undefined;
  let expected = false;
  let closed = false;
  stage.after(() => {
    closed = true;
    return kill();
  });

  async function start(): Promise<void> {
    if (closed) return;
    await appendFile(logFile, `--- started at ${Date.now()}\n`);
    const started = spawnLogged([entry, role, "--config", configFile], folder, logFile);
    child = started;
    expected = false;
    reaper.watch(started.pid);
    let ready = false;
    started.on("exit", () => {
      reaper.watch();
      if (expected || !ready) return;
      options.onCrash();
      start().catch((error: unknown) => console.error(error));
    });
    await untilReady(started, logFile, role);
    ready = true;
  }

  async function kill(): Promise<void> {
    expected = true;
    if (child === undefined || hasEnded(child)) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async function drain(): Promise<number | null> {
    expected = true;
    if (child === undefined || hasEnded(child)) return null;
    child.kill("SIGTERM");
    await Promise.race([once(child, "exit"), sleep(DRAIN_LIMIT, undefined, { ref: false })]);
    const { exitCode } = child;
    await kill();
    return exitCode;
  }

  return { start, kill, signal: (name) => void child?.kill(name), drain };
}

function spawnLogged(args: string[], cwd: string, logFile: string): ChildProcess {
  const log = openSync(logFile, "a");
  try {
    return spawn(process.execPath, args, { cwd, env: withoutSettings(), detached: true, stdio: ["ignore", log, log] });
  } finally {
    closeSync(log);
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function untilReady(child: ChildProcess, logFile: string, role: string): Promise<void> {
  for (const end = Date.now() + START_LIMIT; Date.now() < end && !hasEnded(child); await sleep(50)) {
    const life = (await tail(logFile)).split("--- started at").at(-1);
    if (life?.includes('"msg":"ready"')) return;
  }
  // Killed by the harness's end, it owes nobody anything.
  if (child.signalCode === "SIGKILL") return;
  throw new Error(`wx-bridge ${role} does not get ready; its log ends:\n${(await tail(logFile)).slice(-2000)}`);
}

/** The last 64 KiB: at its start a role writes little, and before that a lot. */
async function tail(file: string): Promise<string> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  const from = Math.max(size - 65_536, 0);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, 65_536, from);
  return buffer.toString("utf8", 0, bytesRead);
}
