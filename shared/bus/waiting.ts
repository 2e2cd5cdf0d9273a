import { Failure } from "../failure.ts";
import { inTime } from "../in-time.ts";

/** Wakes everyone who waits for a change, as often as it is told. */
export class Signal {
  readonly #waiters = new Set<() => void>();

  /** Resolves at the next `notify`, or else after `timeout` ms. */
  wait(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeout);
      this.#waiters.add(wake);
    });
  }

  notify(): void {
    for (const wake of this.#waiters) wake();
  }
}

/** What `read` returns once it is not undefined, looked at now and at each signal; undefined after `timeout` ms. */
export async function until<T>(changed: Signal, read: () => T | undefined, timeout: number): Promise<T | undefined> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const value = read();
    const left = deadline - performance.now();
    if (value !== undefined || left <= 0) return value;
    await changed.wait(left);
  }
}

/** The promise's own outcome, or `NOT_HELD` when that takes more than `timeout` ms; it runs on all the same. */
export function within<T>(timeout: number, promise: Promise<T>): Promise<T> {
  return inTime(promise, timeout, () => new Failure("NOT_HELD", "the broker did not answer in time"));
}
