import type { Delivery } from "./bus/bus.ts";

/** Deliveries at work, so many at a time; those beyond wait in the order they came. */
export interface WorkList {
  /** `begin` works on the delivery and may not reject. One that is gone when its turn comes is left out: it comes again. */
  add(delivery: Delivery, begin: () => Promise<void>): void;
  /** Begins nothing more; resolves when what was begun has ended. */
  stop(): Promise<void>;
  /** Gives what waits back to its queue. */
  giveBack(): void;
  /** Milliseconds since which all are at work that may be, none has ended and none could begin; 0 when there is room. */
  stuckFor(): number;
}

/**
 * `concurrency` holds over lost connections, too: what was begun before still counts, though the broker hands out as much
 * again. `prefetch` is how many deliveries the broker leaves open.
 */
export function createWorkList(concurrency: number, prefetch: number): WorkList {
  let waiting: { delivery: Delivery; begin: () => Promise<void> }[] = [];
  let running = 0;
  let isStopped = false;
  let changedAt = performance.now();
  const ended = Promise.withResolvers<void>();

  function start(begin: () => Promise<void>): void {
    running++;
    changedAt = performance.now();
    void begin().then(startNext);
  }

  function startNext(): void {
    running--;
    changedAt = performance.now();
    if (isStopped) return endIfIdle();
    let next = waiting.shift();
    while (next?.delivery.isGone()) next = waiting.shift();
    if (next) start(next.begin);
  }

  function endIfIdle(): void {
    if (running === 0) ended.resolve();
  }

  return {
    add(delivery, begin) {
      if (running < concurrency && !isStopped) return start(begin);
      // The broker leaves no more than that open: the rest is gone.
      if (waiting.length >= prefetch) waiting = waiting.filter((one) => !one.delivery.isGone());
      waiting.push({ delivery, begin });
    },
    stop() {
      isStopped = true;
      endIfIdle();
      return ended.promise;
    },
    giveBack() {
      for (const { delivery } of waiting.splice(0)) delivery.requeue();
    },
    stuckFor: () => (running < concurrency ? 0 : performance.now() - changedAt),
  };
}
