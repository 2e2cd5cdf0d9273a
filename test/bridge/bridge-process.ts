import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { writeTemporary } from "../cli/run-command.ts";
import type { Closing } from "../support/loopback-server.ts";
import { withoutSettings } from "../support/without-settings.ts";
import type { LogLine } from "./system.ts";

const entry = new URL("../../cli/wx-bridge.js", import.meta.url).pathname;
const READY_TIMEOUT = 60_000;

/** A `wx-bridge` process of its own. */
export interface BridgeProcess {
  readonly child: ChildProcess;
  readonly lines: LogLine[];
  /** Everything on stdout and stderr. */
  readonly output: () => string;
  port: number;
  internalPort: number;
  /** Sends a signal and resolves to the exit code (null when the signal itself ended it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Writes a config file into a folder that goes with the test. */
export function writeConfig(t: Closing, config: object): Promise<string> {
  return writeTemporary(t, "wx-bridge.conf.json", config);
}

/**
 * Starts `wx-bridge <role>` and resolves when it says that it is ready. With `largestFile` (in 512 bytes) the kernel lets
 * it write no file any larger, as a disk that is full.
 */
export async function startProcess(
  t: Closing,
  role: "start" | "gateway" | "dispatcher",
  configFile: string,
  env: Record<string, string> = {},
  largestFile?: number,
): Promise<BridgeProcess> {
  const limit = largestFile === undefined ? "" : `ulimit -f ${largestFile} && `;
  const child = spawn("/bin/sh", ["-c", `${limit}exec "$0" "$@"`, process.execPath, entry, role], {
    env: { ...withoutSettings(), ...env, CONF_FILE: configFile },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  // Not "exit": what the process wrote last may come after that.
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const lines: LogLine[] = [];
  const ready = Promise.withResolvers<LogLine>();
  createInterface({ input: child.stdout }).on("line", (text) => {
    output += `${text}\n`;
    if (!text.startsWith("{")) return;
    const line = JSON.parse(text) as LogLine;
    lines.push(line);
    if (line.msg === "ready") ready.resolve(line);
  });
  child.on("exit", () => ready.reject(new Error(`wx-bridge ${role} ended: ${output}`)));
  const timer = setTimeout(() => ready.reject(new Error(`wx-bridge ${role} is not ready: ${output}`)), READY_TIMEOUT);
  const line = await ready.promise.finally(() => clearTimeout(timer));
  return {
    child,
    lines,
    output: () => output,
    port: Number(line["port"] ?? 0),
    internalPort: Number(line["internalPort"]),
    async end(signal) {
      child.kill(signal);
      await closed;
      return child.exitCode;
    },
  };
}
