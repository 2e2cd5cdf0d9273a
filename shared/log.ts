import { pino, destination, type Logger } from "pino";

export type { Logger } from "pino";

/** Secrets that must not be printed should a caller ever log a config or an error that carries one. */
const secretPaths = ["token", "appSecret", "aesKey", "access_token", "secret", "*.token", "*.appSecret", "*.aesKey"];

/**
 * JSON lines on stdout. Writing is asynchronous but never delayed: lines that come while one is being written
 * leave together with the next. `level` is pino's (default "info").
 */
export function createLogger(level = "info"): Logger {
  return pino({ level, base: null, redact: secretPaths }, destination({ fd: 1, sync: false }));
}
