/** Enough to try a second channel: sometimes it is the first one that is refused, and not the message. */
const TRIES = 3;
const REMEMBERED = 10_000;

/**
 * How often to publish again what was refused. Each try puts another copy into the queues that do not refuse, so an
 * exchange with one that does is tried once only for 10 s.
 */
export interface Refusals {
  tries(exchange: string): number;
  /** All tries were in vain. */
  happened(exchange: string): void;
}

export function createRefusals(): Refusals {
  const lately = new Map<string, number>();
  return {
    tries: (exchange) => (performance.now() < (lately.get(exchange) ?? -Infinity) ? 1 : TRIES),
    happened: (exchange) => void lately.set(exchange, performance.now() + REMEMBERED),
  };
}
