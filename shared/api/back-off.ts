const firstWait = 1000;
const longestWait = 60_000;

/** Keeps a failed action from being tried again at once. */
export interface BackOff {
  /** Notes a failure and gives the milliseconds to wait: 1 s, doubled up to 60 s by each further one, at least `atLeast`. */
  failed(failure: unknown, atLeast?: number): number;
  /** Throws the last failure while its wait lasts. */
  check(): void;
}

/**
 * Starts again at 1 s when failures are more than 2 minutes apart: a success between two of them does not count, so
 * an action that fails every other time is slowed down, too. `now` is a monotonic clock in milliseconds.
 */
export function createBackOff(now: () => number): BackOff {
  let last: unknown;
  let wait = 0;
  let until = -Infinity;
  let failedAt = -Infinity;

  function failed(failure: unknown, atLeast = 0): number {
    const inRow = now() - failedAt < 2 * longestWait;
    wait = Math.max(atLeast, inRow ? Math.min(wait * 2, longestWait) : firstWait);
    last = failure;
    failedAt = now();
    until = failedAt + wait;
    return wait;
  }

  function check(): void {
    if (now() < until) throw last;
  }

  return { failed, check };
}
