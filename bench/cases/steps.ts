import type { BenchCase } from "../support/case.ts";
import { startProgram } from "../support/program.ts";

/** Room for a round's pushes, whose serial numbers nobody else uses. */
const ROUND = 1_000_000;

/** What the bridge does to a push and a reply, without HTTP and bus: the product's own functions, one thread. */
export const steps: BenchCase = {
  name: "steps",
  about: "open, parse, encode, render and seal, one at a time, every call with an input of its own",
  async run(stage) {
    const program = await startProgram(stage, "steps");
    const rounds: Record<string, number>[] = [];
    for (let round = 0; round < stage.rounds; round++) {
      rounds.push(await program.ask<Record<string, number>>({ first: Date.now() * 1000 + round * ROUND }));
      stage.say(`round ${round + 1} of ${stage.rounds}`);
    }
    const [first = {}] = rounds;
    const figures = Object.keys(first).map((what) => ({
      what,
      unit: "/s" as const,
      values: rounds.map((round) => round[what] ?? Number.NaN),
    }));
    return { figures };
  },
};
