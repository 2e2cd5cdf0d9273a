import type { FireOptions } from "../processes/fire.ts";
import type { MakeOptions } from "../processes/make-pushes.ts";
import type { Fired } from "../processes/record.ts";
import { cpuSecondsOf } from "./cpu-time.ts";
import { startProgram, type Program } from "./program.ts";
import type { Stage } from "./stage.ts";

/** Anything that pushes can be sent to: its port, and the processes whose CPU time counts as its own. */
export interface Subject {
  name: string;
  port: number;
  pids: readonly number[];
  /** Accounts that its pushes go to in turn; default 1. */
  accounts?: number;
  /** Users that push in turn; default 10 000. */
  users?: number;
  /** What every answer has to be. */
  expect: FireOptions["expect"];
}

export interface Run extends Fired {
  /** Microseconds of the subject's CPU for each answer. */
  cpu: number;
}

export interface FiringOptions extends Pick<FireOptions, "connections" | "pace" | "spread" | "settle"> {
  seconds: number;
}

/** The process that plays WeChat. */
export interface Load {
  /** Makes `count` pushes that were never there before. They are what `fire` sends, until the next ones are made. */
  make(count: number, users?: number): Promise<void>;
  /**
   * Sends the pushes from the first one on, each at most once, for `seconds` or until the last one. Throws when an answer
   * is wrong or the backend did not get exactly what was answered.
   */
  fire(subject: Subject, options: FiringOptions): Promise<Run>;
}

/** `backend` is asked how many requests it took. */
export async function startLoad(stage: Stage, backend: Program): Promise<Load> {
  const program = await startProgram(stage, "load");
  // the clock tells apart the pushes of different runs on one broker
  let next = Date.now() * 1000;

  async function requestsOf(subject: Subject): Promise<number> {
    const { requests } = await backend.ask<{ requests: number }>({});
    return subject.port === backend.port ? Number.NaN : requests;
  }

  return {
    async make(count, users) {
      await program.ask({
        make: { first: next, count, ...(users === undefined ? {} : { users }) } satisfies MakeOptions,
      });
      next += count;
    },
    async fire(subject, { seconds, ...others }) {
      const [requests, cpu] = [await requestsOf(subject), cpuOf(subject)];
      const { name, port, expect, accounts = 1 } = subject;
      const options: FireOptions = { port, expect, accounts, ms: seconds * 1000, ...others };
      const fired = await program.ask<Fired>({ fire: options });
      const used = cpuOf(subject) - cpu;
      if (fired.faults.length > 0) throw new Error(`${name}: ${fired.faultCount} faults: ${fired.faults.join("; ")}`);
      const taken = (await requestsOf(subject)) - requests;
      if (!Number.isNaN(taken) && taken !== fired.answers) {
        throw new Error(`${name}: ${fired.answers} answers, but the backend took ${taken} requests`);
      }
      return { ...fired, cpu: (used / fired.answers) * 1e6 };
    },
  };
}

function cpuOf({ pids }: Subject): number {
  return pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
}
