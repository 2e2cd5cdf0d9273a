import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startBridge } from "../support/bridge.ts";
import type { BenchCase } from "../support/case.ts";
import type { Figure } from "../support/figures.ts";
import { startLoad, type Load, type Subject } from "../support/load.ts";
import { startProgram } from "../support/program.ts";
import type { Stage } from "../support/stage.ts";

const hook = join(import.meta.dirname, "../processes/gc-hook.ts");
const FEW = 100_000;
const MANY = 1_000_000;
const BATCH = 50_000;
const MB = 1e6;

/** Memory must not grow with the pushes that have gone through. */
export const memory: BenchCase = {
  name: "memory",
  about: `memory of the all-in-one process after a forced collection, from ${FEW} to ${MANY} pushes (takes minutes)`,
  async run(stage) {
    const backend = await startProgram(stage, "backend");
    const load = await startLoad(stage, backend);
    const flags = ["--expose-gc", "--import", hook];
    const bridge = await startBridge(stage, { backend: backend.port, flags });
    const [child] = bridge.children as [ChildProcess];
    const subject: Subject = { name: "bridge", port: bridge.port, pids: bridge.pids, expect: "sealed" };
    const sent = { count: 0 };
    const start = await memoryOf(child);
    await push(stage, load, subject, sent, FEW);
    const few = await memoryOf(child);
    await push(stage, load, subject, sent, MANY);
    const many = await memoryOf(child);
    return { figures: figuresOf(start, few, many) };
  },
};

async function push(stage: Stage, load: Load, subject: Subject, sent: { count: number }, until: number): Promise<void> {
  while (sent.count < until) {
    const count = Math.min(BATCH, until - sent.count);
    await load.make(count);
    const { rate } = await load.fire(subject, { connections: 32, seconds: 120 });
    sent.count += count;
    stage.say(`${sent.count} pushes, ${rate.toFixed(0)}/s`);
  }
}

async function memoryOf(child: ChildProcess): Promise<NodeJS.MemoryUsage> {
  const answered = once(child, "message", { signal: AbortSignal.timeout(30_000) });
  child.send({});
  const [usage] = await answered;
  return usage as NodeJS.MemoryUsage;
}

function figuresOf(start: NodeJS.MemoryUsage, few: NodeJS.MemoryUsage, many: NodeJS.MemoryUsage): Figure[] {
  const used = (what: string, read: (usage: NodeJS.MemoryUsage) => number): Figure[] => [
    { what: `${what} at the start`, unit: "MB", values: [read(start) / MB] },
    { what: `${what} after ${FEW}`, unit: "MB", values: [read(few) / MB] },
    { what: `${what} after ${MANY}`, unit: "MB", values: [read(many) / MB] },
  ];
  return [
    ...used("resident", ({ rss }) => rss),
    ...used("heap", ({ heapUsed }) => heapUsed),
    ...used("buffers", ({ external }) => external),
    { what: "resident, growth", unit: "×", values: [many.rss / few.rss], target: { atMost: 1.05 } },
  ];
}
