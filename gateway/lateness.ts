const LOOK_EVERY = 100;
/** A push that has just come must be left time for its reply even so. */
const MOST = 2000;

/** How late this process is: because it was stopped, because others have the CPU, or for a long turn of the event loop. */
export interface Lateness {
  /** Milliseconds for which a push that is read now may have lain unread, at most 2000. */
  ms(): number;
  close(): void;
}

/** Looks at the clock from now on. */
export function createLateness(): Lateness {
  let due = performance.now() + LOOK_EVERY;
  let last = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    last = now - due;
    due = now + LOOK_EVERY;
  }, LOOK_EVERY);
  timer.unref();
  return {
    ms: () => Math.min(Math.max(last, performance.now() - due, 0), MOST),
    close: () => clearInterval(timer),
  };
}
