import type { Fault, Try } from "./history.ts";

/** How often each kind of fault struck each process. */
export type Strikes = Record<string, Record<string, number>>;

export function countStrikes(faults: readonly Fault[]): Strikes {
  const strikes: Strikes = {};
  for (const { process, kind } of faults) {
    const kinds = (strikes[process] ??= {});
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return strikes;
}

/** Tells whether a fault was on at any moment of a try, or ended less than `aftermath` ms before it began. */
export function createOverlap(faults: readonly Fault[], aftermath: number): (line: Try) => boolean {
  return ({ startedAt, ms }) => faults.some(({ from, to }) => from <= startedAt + ms && startedAt <= to + aftermath);
}
