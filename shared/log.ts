import { destination, pino, type DestinationStream, type Logger } from "pino";

export type { Logger } from "pino";

/** Lines are written when this many characters wait, or after this many ms. */
const BLOCK = 64_000;
const WRITE_EVERY = 50;

/**
 * JSON lines on stdout, written many at a time and at most 50 ms late. `level` is pino's (default "info"). Nothing
 * that holds a secret is ever passed to it: callers log identities, codes and reasons, never configs or bodies.
 */
export function createLogger(level = "info"): Logger {
  return pino({ level, base: null }, createBlockWriter());
}

/** Hands pino's writer whole blocks: line by line it would measure what waits again each time. */
function createBlockWriter(): DestinationStream & { flush(done?: (error?: Error) => void): void } {
  const stdout = destination({ fd: 1, sync: false });
  let block = "";
  const write = (): void => {
    if (block === "") return;
    stdout.write(block);
    block = "";
  };
  setInterval(write, WRITE_EVERY).unref();
  process.on("exit", () => {
    write();
    stdout.flushSync();
  });
  return {
    write(line) {
      block += line;
      if (block.length >= BLOCK) write();
    },
    flush(done) {
      write();
      stdout.flush(done);
    },
  };
}
