import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Stage } from "./stage.ts";

const folder = join(import.meta.dirname, "../processes");

/** A process of the bench's own: it says once where it listens, and then answers one question at a time. */
export interface Program {
  readonly pid: number;
  /** 0 for a program that does not listen. */
  readonly port: number;
  /** Throws when the program ends instead of answering. */
  ask<T>(question: object): Promise<T>;
}

/** Starts `bench/processes/<name>.ts` in a process that ends with the case, and with this process whatever happens to it. */
export async function startProgram(stage: Stage, name: string, args: readonly unknown[] = []): Promise<Program> {
  const child = fork(join(folder, `${name}.ts`), args.map(String), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  stage.after(() => endChild(child));
  const { port } = await nextMessage<{ port: number }>(child, name);
  return {
    pid: child.pid ?? 0,
    port,
    ask<T>(question: object) {
      const answer = nextMessage<T>(child, name);
      child.send(question);
      return answer;
    },
  };
}

/** SIGTERM, and SIGKILL after 12 s: the bridge gives itself 10 s to drain. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 12_000);
  await gone;
  clearTimeout(timer);
}

async function nextMessage<T>(child: ChildProcess, name: string): Promise<T> {
  const over = new AbortController();
  const ended = once(child, "exit", { signal: over.signal }).then(([code, signal]) => {
    throw new Error(`${name} ended unasked (${String(signal ?? code)})`);
  });
  const answered = once(child, "message", { signal: over.signal }).then(([message]) => message as T);
  try {
    return await Promise.race([answered, ended]);
  } finally {
    over.abort();
    ended.catch(() => {});
    answered.catch(() => {});
  }
}
