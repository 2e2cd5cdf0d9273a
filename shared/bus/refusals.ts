/** Enough to try a second channel: sometimes it is the first one that is refused, and not the message. */
const TRIES = 3;
const REMEMBERED = 10_000;

/**
 * How often to publish again what was refused. Each try puts another copy into the queues that do not refuse, so an
 * exchange with one that does is tried once only for 10 s.
 */
export interface Refusals {
  tries(exchange: string): number;
  /** Whether all tries at an exchange or a queue were in vain in the last 10 s. */
  lately(name: string): boolean;
  /** All tries were in vain. */
  happened(name: string): void;
}

export function createRefusals(): Refusals {
  const until = new Map<string, number>();
  const lately = (name: string): boolean => performance.now() < (until.get(name) ?? -Infinity);
  return {
    tries: (exchange) => (lately(exchange) ? 1 : TRIES),
    lately,
    happened: (name) => void until.set(name, performance.now() + REMEMBERED),
  };
}
