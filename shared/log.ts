import { pino, destination, type Logger } from "pino";

export type { Logger } from "pino";

/** Lines are written when this many bytes wait, or after this many ms. */
const BUFFER = 16_000;
const FLUSH_EVERY = 50;

/**
 * JSON lines on stdout, written many at a time and at most 50 ms late. `level` is pino's (default "info"). Nothing
 * that holds a secret is ever passed to it: callers log identities, codes and reasons, never configs or bodies.
 */
export function createLogger(level = "info"): Logger {
  const stdout = destination({ fd: 1, sync: false, minLength: BUFFER });
  setInterval(() => stdout.flush(), FLUSH_EVERY).unref();
  return pino({ level, base: null }, stdout);
}
