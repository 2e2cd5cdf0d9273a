export type Unit = "/s" | "ms" | "µs" | "MB" | "×";

/** What a measurement has to reach. */
export type Target = { atLeast: number } | { atMost: number };

/** One measured quantity with a value from each round. */
export interface Figure {
  what: string;
  unit: Unit;
  values: number[];
  target?: Target;
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The value that `share` (0 to 1) of the values do not exceed. */
export function percentile(values: Float64Array, share: number): number {
  const sorted = values.toSorted();
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN;
}

/** Whether the median reaches the target; undefined when there is none. */
export function isMet({ values, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return "atLeast" in target ? median(values) >= target.atLeast : median(values) <= target.atMost;
}

/** Round by round, since what disturbed one side of a round disturbed the other too. */
export function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, round) => value / (others[round] ?? Number.NaN));
}

/** Round by round, as `ratios`. */
export function differences(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, round) => value - (others[round] ?? Number.NaN));
}
