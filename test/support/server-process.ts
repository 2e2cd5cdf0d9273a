import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { nodeEnvironment } from "./node-environment.ts";
import type { NodeIdentity } from "./node-environment.ts";
import { portAnswers } from "./port-answers.ts";

/** One life of a node: from the start of `rabbitmq-server` to the death of its Erlang VM. */
export type ServerProcess = {
  /** The process id of the Erlang VM. */
  pid: number;
  /** Sends the Erlang VM a signal; without effect once it is dead. */
  signal: (name: NodeJS.Signals) => void;
  /** SIGSTOP; resolves when no thread of the Erlang VM runs any more, which a busy machine takes a while for. */
  freeze: () => Promise<void>;
  /** Sends the signal, to a frozen VM too, and resolves when the VM is dead. After 15 s it is killed whatever it does. */
  end: (name: "SIGTERM" | "SIGKILL") => Promise<void>;
};

/**
 * Starts a node from its files and resolves once it takes connections, within `patience` ms; else it throws with the end
 * of the node's output. `started` is called at once with the process group that holds the node.
 */
export async function startServer(
  node: NodeIdentity,
  patience: number,
  started: (group: number) => void,
): Promise<ServerProcess> {
  await rm(join(node.folder, "pid"), { force: true });
  const script = await spawnScript(node);
  const group = script.pid ?? 0;
  started(group);
  if (!(await portAnswers(node.port, patience, () => hasEnded(script)))) {
    sendSignal(-group, "SIGKILL");
    throw new Error(`RabbitMQ did not start within ${patience} ms:\n${await tail(node.folder)}`);
  }
  const pid = Number(await readFile(join(node.folder, "pid"), "utf8"));
  if (!(pid > 0)) throw new Error(`RabbitMQ wrote no process id but "${pid}"`);
  const signal = (name: NodeJS.Signals): void => void (hasEnded(script) || sendSignal(pid, name));
  return {
    pid,
    signal,
    async freeze() {
      signal("SIGSTOP");
      await untilStopped(pid);
    },
    async end(name) {
      signal(name);
      signal("SIGCONT");
      // The script waits for the VM, so when it has ended the VM is dead and its ports are free.
      await Promise.race([ended(script), delay(15_000, undefined, { ref: false })]);
      sendSignal(-group, "SIGKILL");
      await ended(script);
    },
  };
}

async function spawnScript(node: NodeIdentity): Promise<ChildProcess> {
  const output = openSync(join(node.folder, "output"), "a");
  try {
    const script = spawn(join(node.sbin, "rabbitmq-server"), {
      env: nodeEnvironment(node),
      cwd: node.folder,
      detached: true,
      stdio: ["ignore", output, output],
    });
    await once(script, "spawn");
    script.unref();
    return script;
  } finally {
    closeSync(output);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function ended(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.ref();
  await once(child, "exit");
}

/** Within 5 s, else it throws. Where there is no /proc to look at it takes the signal's word for it. */
async function untilStopped(pid: number): Promise<void> {
  for (const end = Date.now() + 5000; !(await isStopped(pid)); await delay(1)) {
    if (Date.now() > end) throw new Error(`process ${pid} was stopped and runs on`);
  }
}

async function isStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const stats = await Promise.all(
    threads.map((id) => readFile(`/proc/${pid}/task/${id}/stat`, "latin1").catch(() => "")),
  );
  return stats.every((stat) => stat === "" || /\) T /.test(stat));
}

/** A process that has ended meanwhile is no error. */
function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function tail(folder: string): Promise<string> {
  const output = await readFile(join(folder, "output"), "utf8").catch(String);
  return output.split("\n").slice(-30).join("\n");
}
