/**
 * Measures the bridge beside its yardsticks; see README.md.
 *
 *     node bench/run.ts                       every case
 *     node bench/run.ts in-process memory     some of them
 *     node bench/run.ts --seconds 5 --rounds 7 --out figures.json --profile folder in-process
 */
import { mkdir, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { accounts } from "./cases/accounts.ts";
import { amqpConsumer } from "./cases/amqp-consumer.ts";
import { dispatchers } from "./cases/dispatchers.ts";
import { inProcess } from "./cases/in-process.ts";
import { memory } from "./cases/memory.ts";
import { rabbitmq } from "./cases/rabbitmq.ts";
import { slowBackend } from "./cases/slow-backend.ts";
import { userInfo } from "./cases/user-info.ts";
import { steps } from "./cases/steps.ts";
import type { BenchCase } from "./support/case.ts";
import { isMet, type Figure } from "./support/figures.ts";
import { describeMachine } from "./support/machine.ts";
import { createStage, type StageOptions } from "./support/stage.ts";
import { recordOf, tableOf } from "./support/table.ts";

const cases: BenchCase[] = [
  inProcess,
  rabbitmq,
  slowBackend,
  amqpConsumer,
  steps,
  accounts,
  dispatchers,
  userInfo,
  memory,
];

/** A case as it goes into the JSON file. */
interface CaseRecord {
  name: string;
  about: string;
  met: boolean;
  seconds: number;
  notes: Record<string, string> | undefined;
  figures: object[];
}

let closeStage = async (): Promise<void> => {};
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, interrupt);

const { values, positionals } = readArguments();
const options: StageOptions = {
  seconds: positive("seconds", values.seconds),
  rounds: positive("rounds", values.rounds),
  profileFolder: values.profile,
};
const chosen = positionals.length === 0 ? cases : positionals.map(caseNamed);
const machine = describeMachine();
console.log(
  Object.entries(machine)
    .map(([name, value]) => `${name} ${value}`)
    .join(", "),
);
const records: CaseRecord[] = [];
const aims: Figure[] = [];
for (const bench of chosen) records.push(await measure(bench));
const file = values.out ?? join(import.meta.dirname, "results", `${new Date().toISOString().replaceAll(":", "")}.json`);
if (chosen.length > 1) console.log(`\nall targets\n${tableOf(aims)}`);
await mkdir(dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify({ machine, ...options, cases: records }, undefined, 2)}\n`);
console.log(`\nwritten to ${file}`);
process.exit(records.every(({ met }) => met) ? 0 : 2);

async function measure(bench: BenchCase): Promise<CaseRecord> {
  const { name, about } = bench;
  console.log(`\n${name}: ${about}`);
  const { stage, close } = createStage(options);
  closeStage = close;
  try {
    const startedAt = performance.now();
    const { figures, notes } = await bench.run(stage);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(`\n${tableOf(figures)}\n  (${seconds} s)`);
    aims.push(...figures.filter(({ target }) => target).map((aim) => ({ ...aim, what: `${name} ${aim.what}` })));
    const met = figures.every((figure) => isMet(figure) !== false);
    return { name, met, about, seconds, notes, figures: figures.map(recordOf) };
  } finally {
    await close();
  }
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: "string", default: "2" },
        rounds: { type: "string", default: "3" },
        out: { type: "string" },
        profile: { type: "string" },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** Ends the process over an argument that cannot be used. */
function refuse(reason: string): never {
  console.error(`${reason}\n
npm run bench -- [--seconds <of a run>] [--rounds <count>] [--out <JSON file>] [--profile <folder>] [<case> ...]
cases: ${cases.map(({ name }) => name).join(", ")}`);
  process.exit(1);
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (number > 0 && (name === "seconds" || Number.isInteger(number))) return number;
  return refuse(`--${name} needs a positive number, not ${value}`);
}

function caseNamed(name: string): BenchCase {
  return cases.find((bench) => bench.name === name) ?? refuse(`there is no case ${name}`);
}

/** The first signal ends whatever was started; a second one ends this process at once. */
function interrupt(signal: NodeJS.Signals): void {
  const code = 128 + constants.signals[signal];
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => process.exit(code));
  void closeStage().finally(() => process.exit(code));
}
