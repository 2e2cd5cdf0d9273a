import type { Findings } from "./reconcile.ts";

/** What the run proves: `broken` promises, and reasons why it does `notCount` although none is. */
export interface Verdict {
  broken: string[];
  notCount: string[];
}

const LEAST_PUSHES = 20_000;
/** Pushes a second; one in a hundred may be missing at the ends. */
const LEAST_RATE = 300;
const LEAST_STRIKES = 5;
const LEAST_MET = 0.1;
const MOST_HELD_UP = 1000;

/** What has to strike. */
const kinds = ["kill", "stop", "reset"];

/** What tells how to judge beside the findings. */
export interface Circumstances {
  /** The longest that the process which plays WeChat was held up itself, in ms. */
  heldUp: number;
  /** Exit codes of the SIGTERM at the end. */
  drained: Record<string, number | null>;
  cluster: boolean;
}

/**
 * Judges a run by what the design promises: nothing lost, one identity a push, an answer in time whatever fails. A
 * machine so busy that `heldUp`, the longest wait of the measuring process for a CPU, is above 1 s cannot tell the last.
 */
export function judge(findings: Findings, { heldUp, drained, cluster }: Circumstances): Verdict {
  const { lost, unexpected, misidentified, wrong, unexplained, crashes } = findings;
  const late = "tries had no answer in 5 s though no gateway was hurt or just back";
  const isBusy = heldUp > MOST_HELD_UP;
  const few = rare(findings, cluster);
  const undrained = Object.entries(drained).filter(([, code]) => code !== 0);
  return {
    broken: sentences([
      [lost.length, "pushes were acknowledged and lost"],
      [unexpected, "requests to the backend held no push that was sent"],
      [misidentified.length, "pushes came under another event id or with another body"],
      [wrong.length, "answers were neither the reply to their push nor success"],
      [crashes.length, `processes ended by themselves: ${crashes.join(", ")}`],
      [
        undrained.length,
        `processes did not end with 0 on SIGTERM: ${undrained.map(([process]) => process).join(", ")}`,
      ],
      [isBusy ? 0 : unexplained.length, late],
    ]),
    notCount: [
      ...sentences([[isBusy ? unexplained.length : 0, `${late}, but the machine was busy with other things`]]),
      ...(findings.pushes < LEAST_PUSHES ? [`fewer than ${LEAST_PUSHES} pushes`] : []),
      ...(findings.rate < LEAST_RATE * 0.99 ? [`fewer than ${LEAST_RATE} pushes a second`] : []),
      ...(few.length > 0 ? [`fewer than ${LEAST_STRIKES} strikes: ${few.join(", ")}`] : []),
      ...(findings.met < LEAST_MET ? [`only ${percent(findings.met)} of the pushes met a fault`] : []),
    ],
  };
}

function sentences(counted: readonly (readonly [number, string])[]): string[] {
  return counted.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
}

function rare({ strikes }: Findings, cluster: boolean): string[] {
  const expected = { gateway: kinds, dispatcher: kinds, broker: cluster ? [...kinds, "kill leader"] : kinds };
  return Object.entries(expected).flatMap(([process, each]) =>
    each.filter((kind) => (strikes[process]?.[kind] ?? 0) < LEAST_STRIKES).map((kind) => `${process} ${kind}`),
  );
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
