import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "../../test/support/free-port.ts";
import { createReaper } from "../../test/support/reaper.ts";
import { withoutSettings } from "../../test/support/without-settings.ts";
import { sampleConfig, type ConfigOptions } from "./account.ts";
import { endChild } from "./program.ts";
import type { Stage } from "./stage.ts";

const root = join(import.meta.dirname, "../..");
const START_LIMIT = 30_000;

export interface BridgeOptions extends Omit<ConfigOptions, "port" | "internalPort"> {
  /** Flags for Node itself. */
  flags?: readonly string[];
}

/** A running `wx-bridge start`, or its gateway and its dispatcher. */
export interface Bridge {
  readonly port: number;
  readonly pids: readonly number[];
  readonly children: readonly ChildProcess[];
}

/** `wx-bridge start` as it ships: its logs go to a file, its metrics are counted. */
export async function startBridge(stage: Stage, options: BridgeOptions): Promise<Bridge> {
  const port = await findFreePort();
  const child = await startRole(stage, "start", port, options);
  return { port, pids: [child.pid ?? 0], children: [child] };
}

/** A gateway by itself, on a broker. */
export async function startGateway(stage: Stage, options: BridgeOptions & { amqpUrl: string }): Promise<Bridge> {
  return startPair(stage, { ...options, dispatchers: 0 });
}

/** A gateway and dispatchers (default: one) with a process each, on a broker. */
export async function startPair(
  stage: Stage,
  { dispatchers = 1, ...options }: BridgeOptions & { amqpUrl: string; dispatchers?: number },
): Promise<Bridge> {
  const port = await findFreePort();
  const roles = [...Array.from({ length: dispatchers }, () => "dispatcher"), "gateway"];
  const children: ChildProcess[] = [];
  for (const role of roles) children.push(await startRole(stage, role, port, options));
  return { port, pids: children.map(({ pid }) => pid ?? 0), children };
}

async function startRole(stage: Stage, role: string, port: number, options: BridgeOptions): Promise<ChildProcess> {
  const folder = await mkdtemp(join(tmpdir(), "wx-bridge-bench-"));
  const reaper = createReaper(folder);
  stage.after(() => reaper.reap());
  const config = join(folder, "config.json");
  await writeFile(config, JSON.stringify(sampleConfig({ ...options, port, internalPort: await findFreePort() })));
  const log = join(folder, "log");
  const profile = stage.profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${stage.profileFolder}`];
  const args = [...(options.flags ?? []), ...profile, "cli/wx-bridge.js", role, "--config", config];
  const child = spawnLogged(args, log);
  reaper.watch(child.pid);
  stage.after(() => endChild(child));
  await untilReady(child, log, role);
  return child;
}

/** In a process group of its own, which the reaper ends should this process be killed. */
function spawnLogged(args: string[], log: string): ChildProcess {
  const output = openSync(log, "a");
  try {
    const env = withoutSettings();
    return spawn(process.execPath, args, { cwd: root, env, detached: true, stdio: ["ignore", output, output, "ipc"] });
  } finally {
    closeSync(output);
  }
}

async function untilReady(child: ChildProcess, log: string, role: string): Promise<void> {
  for (const end = Date.now() + START_LIMIT; Date.now() < end && child.exitCode === null; await sleep(50)) {
    if ((await readFile(log, "utf8")).includes('"msg":"ready"')) return;
  }
  throw new Error(`wx-bridge ${role} does not get ready:\n${(await readFile(log, "utf8")).slice(-2000)}`);
}
