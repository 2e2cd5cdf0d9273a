import { destination, pino, type DestinationStream, type Logger } from "pino";

export type { Logger } from "pino";

/** Lines are written when this many bytes wait, or after this many ms. */
const BLOCK = 64 * 1024;
const WRITE_EVERY = 50;
/** Bytes of UTF-8 that a character of a string takes at most. */
const MAX_BYTES = 3;

/**
 * JSON lines on stdout, written many at a time and at most 50 ms late. `level` is pino's (default "info"). Nothing
 * that holds a secret is ever passed to it: callers log identities, codes and reasons, never configs or bodies.
 */
export function createLogger(level = "info"): Logger {
  return pino({ level, base: null }, createBlockWriter());
}

/** Hands pino's writer whole blocks of bytes: line by line, or as text, it would measure what waits again each time. */
function createBlockWriter(): DestinationStream & { flush(done?: (error?: Error) => void): void } {
  const stdout = destination({ fd: 1, sync: false, contentMode: "buffer" });
  const writeBytes = stdout.write.bind(stdout) as unknown as (bytes: Uint8Array) => void; // its types know texts only
  let block = Buffer.allocUnsafeSlow(BLOCK);
  let used = 0;
  const write = (): void => {
    if (used === 0) return;
    writeBytes(block.subarray(0, used));
    block = Buffer.allocUnsafeSlow(BLOCK);
    used = 0;
  };
  setInterval(write, WRITE_EVERY).unref();
  process.on("exit", () => {
    write();
    stdout.flushSync();
  });
  return {
    write(line) {
      const most = line.length * MAX_BYTES;
      if (used + most > BLOCK) write();
      if (most > BLOCK) writeBytes(Buffer.from(line));
      else used += block.write(line, used);
    },
    flush(done) {
      write();
      stdout.flush(done);
    },
  };
}
