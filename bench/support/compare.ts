import { median } from "./figures.ts";
import type { FiringOptions, Load, Run, Subject } from "./load.ts";
import type { Stage } from "./stage.ts";

/** Pushes for the warm-up, enough for V8 to have optimised what matters. */
const WARM_UP = 60_000;
const WARM_UP_CONNECTIONS = 32;
const WARM_UP_SECONDS = 10;
/** Spare pushes, so that a run ends by the clock and not because it has sent them all. */
const SPARE = 1.5;

export interface CompareOptions extends Omit<FiringOptions, "seconds" | "pace"> {
  /** Expected answers a second of the fastest subject. */
  rate: number;
  /** Pushes a second that each gets, whatever its answers take; default: as many as it answers. */
  paces?: ReadonlyMap<Subject, number>;
}

/** Sends every subject `count` pushes, or what it answers in 10 s; returns the rate of the fastest one. */
export async function warmUp(stage: Stage, load: Load, subjects: readonly Subject[], count = WARM_UP): Promise<number> {
  const supply = createSupply(load, count);
  let fastest = 0;
  for (const subject of subjects) {
    await supply(subject);
    const { rate } = await load.fire(subject, { connections: WARM_UP_CONNECTIONS, seconds: WARM_UP_SECONDS });
    stage.say(`warm-up: ${subject.name} ${rate.toFixed(0)}/s`);
    fastest = Math.max(fastest, rate);
  }
  return fastest;
}

/**
 * Measures the subjects one after the other, all with the same pushes, round after round, each round beginning with
 * another one; returns each subject's runs, one a round.
 */
export async function compare(
  stage: Stage,
  load: Load,
  subjects: readonly Subject[],
  { rate, paces, ...firing }: CompareOptions,
): Promise<Map<Subject, Run[]>> {
  const { seconds } = stage;
  const { connections } = firing;
  const runs = new Map<Subject, Run[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < stage.rounds; round++) {
    const supply = createSupply(load, Math.ceil(rate * seconds * SPARE) + connections);
    const first = round % subjects.length;
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      await supply(subject);
      const pace = paces?.get(subject);
      const run = await load.fire(subject, { ...firing, seconds, ...(pace === undefined ? {} : { pace }) });
      runs.get(subject)?.push(run);
      stage.say(`${connections} connections, round ${round + 1}: ${subject.name} ${describe(run)}`);
    }
  }
  return runs;
}

/** Makes pushes when there are none yet, or none from as many users as the subject is to hear from. */
function createSupply(load: Load, count: number): (subject: Subject) => Promise<void> {
  let users: number | undefined | "none yet" = "none yet";
  return async (subject) => {
    if (users !== subject.users) await load.make(count, subject.users);
    users = subject.users;
  };
}

/** Half of what each subject answered at most: the load at which latencies are looked at. */
export function halfOf(runs: ReadonlyMap<Subject, Run[]>): Map<Subject, number> {
  return new Map([...runs].map(([subject, ofIt]) => [subject, median(valuesOf(ofIt, "rate")) / 2]));
}

/** What can be read off a run. */
export const quantities = {
  rate: (run: Run) => run.rate,
  cpu: (run: Run) => run.cpu,
  p50: (run: Run) => run.latency.p50,
  p99: (run: Run) => run.latency.p99,
} as const;

/** The values of one quantity over the rounds. */
export function valuesOf(runs: readonly Run[] | undefined, quantity: keyof typeof quantities): number[] {
  return (runs ?? []).map(quantities[quantity]);
}

function describe({ rate, cpu, latency, opened }: Run): string {
  const { p50, p99 } = latency;
  return `${rate.toFixed(0)}/s, ${cpu.toFixed(0)} µs CPU, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (${opened} opened)`;
}
