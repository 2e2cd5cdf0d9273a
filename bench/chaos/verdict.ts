import type { Findings } from "./reconcile.ts";

/** What the run proves: `broken` promises, and reasons why it does `notCount` although none is. */
export interface Verdict {
  broken: string[];
  notCount: string[];
}

/** WeChat hangs up after 5 s. */
const PATIENCE = 5000;
const LEAST_STRIKES = 5;
const LEAST_MET = 0.1;

/** Judges a run by what the design promises: nothing lost, one identity a push, an answer in time whatever fails. */
export function judge(findings: Findings): Verdict {
  const { lost, unexpected, misidentified, wrong, unexplained, crashes, answers } = findings;
  const broken = [
    [lost.length, "pushes were acknowledged and lost"],
    [unexpected, "requests to the backend held no push that was sent"],
    [misidentified.length, "pushes came under another event id or with another body"],
    [wrong.length, "answers were neither the reply to their push nor success"],
    [unexplained.length, "tries had no answer in 5 s though the gateway was neither hurt nor just back"],
    [crashes.length, `processes ended by themselves: ${crashes.join(", ")}`],
    [answers.slowest > PATIENCE ? 1 : 0, `answer took ${answers.slowest} ms`],
  ] as const;
  return {
    broken: broken.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`),
    notCount: [
      ...rare(findings).map((fault) => `${fault}: fewer than ${LEAST_STRIKES} strikes`),
      ...(findings.met < LEAST_MET ? [`only ${percent(findings.met)} of the pushes met a fault`] : []),
    ],
  };
}

function rare({ strikes }: Findings): string[] {
  return Object.entries(strikes).flatMap(([process, kinds]) =>
    Object.entries(kinds)
      .filter(([, count]) => count < LEAST_STRIKES)
      .map(([kind, count]) => `${process} ${kind} (${count})`),
  );
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
