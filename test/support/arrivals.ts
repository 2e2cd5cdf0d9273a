/** Things that arrive one by one: all of them, and a way to wait for those not yet handed out. */
export interface Arrivals<T> {
  readonly all: readonly T[];
  add(item: T): void;
  /** The next `count` items in order of arrival, each handed out once; rejects after `timeoutMs` (default 10 000). */
  next(count?: number, timeoutMs?: number): Promise<T[]>;
}

interface Waiter {
  count: number;
  wake(): void;
}

/** An empty list of arrivals; `what` names them in the message of a wait that ran out of time. */
export function createArrivals<T>(what: string): Arrivals<T> {
  const all: T[] = [];
  const waiters: Waiter[] = [];
  let handedOut = 0;

  function wakeFirst(): void {
    while (waiters[0] && all.length - handedOut >= waiters[0].count) waiters.shift()?.wake();
  }

  function add(item: T): void {
    all.push(item);
    wakeFirst();
  }

  function next(count = 1, timeoutMs = 10_000): Promise<T[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiters.splice(waiters.indexOf(waiter), 1);
        reject(new Error(`${all.length - handedOut} of ${count} ${what} within ${timeoutMs} ms`));
        wakeFirst();
      }, timeoutMs);
      const wake = () => {
        clearTimeout(timer);
        resolve(all.slice(handedOut, (handedOut += count)));
      };
      const waiter = { count, wake };
      waiters.push(waiter);
      wakeFirst();
    });
  }

  return { all, add, next };
}
