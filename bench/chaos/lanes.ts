import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Victim } from "./faults.ts";
import type { Fault } from "./history.ts";
import { createRandom } from "./random.ts";

/** Faults that strike until there have been enough. */
export interface Lanes {
  /** The faults that are on now, in words. */
  readonly active: readonly string[];
  /** How often the fault that was rarest has struck. */
  readonly rounds: number;
  /** Resolves when all have struck often enough and none is on any more. */
  readonly ended: Promise<unknown>;
  /** Writes down what nobody asked for: a process that ended by itself. */
  recordCrash(process: string): void;
}

export interface LanesOptions {
  victims: readonly Victim[];
  seed: string;
  /** How often each fault strikes at least. */
  strikes: number;
  /** For how long the pushes go on at least, in ms: the faults are spread over that. */
  spread: number;
  isOver: () => boolean;
  log: string;
}

/** Mean of the calm between two faults of one process, in ms: some healthy seconds, but not too many. */
const LEAST_CALM = 4000;
const MOST_CALM = 8000;
/** What a fault takes on average, kills with their restart, in ms. */
const USUAL_FAULT = 3000;

/**
 * Every process has a lane of its own, so that faults of different processes overlap at random; within a lane one fault
 * is over before the next one strikes. All faults of a lane strike once, in random order, before any strikes again.
 */
export function startLanes({ victims, seed, strikes, spread, isOver, log }: LanesOptions): Lanes {
  const active = new Set<string>();
  const rounds = new Map(victims.map(({ process }) => [process, 0]));
  const least = (): number => Math.min(...rounds.values());

  async function run({ process, faults }: Victim): Promise<void> {
    const random = createRandom(`${seed} ${process}`);
    const kinds = Object.keys(faults);
    const share = spread / (strikes * kinds.length) - USUAL_FAULT;
    const calm = Math.min(Math.max(share, LEAST_CALM), MOST_CALM);
    while (least() < strikes || !isOver()) {
      for (const kind of random.shuffle(kinds)) {
        await sleep(random.between(0.5 * calm, 1.5 * calm));
        if (least() >= strikes && isOver()) return;
        await strike(process, kind, () => faults[kind]?.(random) ?? Promise.resolve());
      }
      rounds.set(process, (rounds.get(process) ?? 0) + 1);
    }
  }

  async function strike(process: string, kind: string, fault: () => Promise<void>): Promise<void> {
    const name = `${process} ${kind}`;
    const from = Date.now();
    active.add(name);
    await fault();
    active.delete(name);
    record({ process, kind, from, to: Date.now() });
  }

  function record(fault: Fault): void {
    appendFileSync(log, `${JSON.stringify(fault)}\n`);
  }

  const ended = Promise.all(victims.map(run));
  ended.catch(() => {});
  return {
    get active() {
      return [...active];
    },
    get rounds() {
      return least();
    },
    ended,
    recordCrash: (process) => record({ process, kind: "unasked", from: Date.now(), to: Date.now() }),
  };
}
