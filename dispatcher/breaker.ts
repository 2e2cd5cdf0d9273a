/** Failures in a row that open the breaker, and milliseconds between the probes of an open one. */
const OPENS_AFTER = 5;
const PROBE_EVERY = 10_000;

/** Leaves a failing backend alone: opens after 5 failures in a row, then lets one probe through every 10 s. */
export interface Breaker {
  readonly isOpen: boolean;
  /** Whether a call may be made now; each call that was let through must be reported. */
  admit(): boolean;
  report(succeeded: boolean): void;
}

export function createBreaker(now: () => number = () => performance.now()): Breaker {
  let failures = 0;
  let nextProbe = 0;
  return {
    get isOpen() {
      return failures >= OPENS_AFTER;
    },
    admit() {
      if (failures < OPENS_AFTER) return true;
      if (now() < nextProbe) return false;
      nextProbe = now() + PROBE_EVERY;
      return true;
    },
    report(succeeded) {
      failures = succeeded ? 0 : failures + 1;
      if (failures === OPENS_AFTER) nextProbe = now() + PROBE_EVERY;
    },
  };
}
