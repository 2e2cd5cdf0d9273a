import type { Findings } from "./reconcile.ts";

/** What the run proves: `broken` promises, and reasons why it does `notCount` although none is. */
export interface Verdict {
  broken: string[];
  notCount: string[];
}

const LEAST_STRIKES = 5;
const LEAST_MET = 0.1;
const MOST_HELD_UP = 1000;

/**
 * Judges a run by what the design promises: nothing lost, one identity a push, an answer in time whatever fails. A
 * machine so busy that `heldUp`, the longest wait of the measuring process for a CPU, is above 1 s cannot tell the last.
 */
export function judge(findings: Findings, heldUp: number): Verdict {
  const { lost, unexpected, misidentified, wrong, unexplained, crashes } = findings;
  const late = "tries had no answer in 5 s though no gateway was hurt or just back";
  const isBusy = heldUp > MOST_HELD_UP;
  const few = rare(findings);
  return {
    broken: sentences([
      [lost.length, "pushes were acknowledged and lost"],
      [unexpected, "requests to the backend held no push that was sent"],
      [misidentified.length, "pushes came under another event id or with another body"],
      [wrong.length, "answers were neither the reply to their push nor success"],
      [crashes.length, `processes ended by themselves: ${crashes.join(", ")}`],
      [isBusy ? 0 : unexplained.length, late],
    ]),
    notCount: [
      ...sentences([[isBusy ? unexplained.length : 0, `${late}, but the machine was busy with other things`]]),
      ...(few.length > 0 ? [`fewer than ${LEAST_STRIKES} strikes: ${few.join(", ")}`] : []),
      ...(findings.met < LEAST_MET ? [`only ${percent(findings.met)} of the pushes met a fault`] : []),
    ],
  };
}

function sentences(counted: readonly (readonly [number, string])[]): string[] {
  return counted.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
}

function rare({ strikes }: Findings): string[] {
  return Object.entries(strikes).flatMap(([process, kinds]) =>
    Object.entries(kinds)
      .filter(([, count]) => count < LEAST_STRIKES)
      .map(([kind]) => `${process} ${kind}`),
  );
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
