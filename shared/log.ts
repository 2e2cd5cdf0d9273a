import { destination, pino, type DestinationStream, type Logger } from "pino";
import { escapeForTerminal } from "./escape-controls.ts";

export type { Logger } from "pino";

/** Lines are written when this many bytes wait, or after this many ms. */
const BLOCK = 64 * 1024;
const WRITE_EVERY = 50;
/** Bytes of UTF-8 that a character of a string takes at most; one that is escaped takes them all. */
const MAX_BYTES = 6;
/** Bytes that wait at most for a stdout that nobody reads; what comes then is lost, counted and told later. */
const MOST_WAITING = 16 * 1024 * 1024;
/** How long `flush` waits for a stdout that takes nothing, in ms: with 10 s of draining still less than a supervisor waits. */
const FLUSH_LIMIT = 3000;
const NEWLINE = 10;

/**
 * JSON lines on stdout, written many at a time and at most 50 ms late. `level` is pino's (default "info"). `flush` calls
 * back when all is written or cannot be: when stdout has taken nothing for 3 s. A stdout that is full, closed or not read
 * costs lines, and holds no process back from ending: one that has waited those 3 s in vain ends by SIGKILL, its exit code
 * lost. One that is read slowly gets them all.
 * Nothing that holds a secret is ever passed to it: callers log identities, codes and reasons, never configs or bodies.
 */
export function createLogger(level = "info"): Logger {
  const log: Logger = pino(
    { level, base: null },
    createBlockWriter((lines) => log.warn({ lines }, "log lines lost: stdout was not read in time")),
  );
  return log;
}

/** Hands pino's writer whole blocks of bytes: line by line, or as text, it would measure what waits again each time. */
function createBlockWriter(onLost: (lines: number) => void): DestinationStream & { flush(done?: () => void): void } {
  const stdout = openStdout(onLost);
  let block = Buffer.allocUnsafeSlow(BLOCK);
  let used = 0;
  const write = (): void => {
    if (used === 0) return;
    stdout.write(block.subarray(0, used));
    block = Buffer.allocUnsafeSlow(BLOCK);
    used = 0;
  };
  setInterval(write, WRITE_EVERY).unref();
  process.on("exit", () => {
    write();
    stdout.flushSync();
  });
  /** A line may hold what a publisher of messages has made up, such as an identity. */
  const append = (line: string): void => {
    const most = line.length * MAX_BYTES;
    if (used + most > BLOCK) write();
    if (most > BLOCK) return stdout.write(Buffer.from(escapeForTerminal(line)));
    const bytes = block.write(line, used);
    if (bytes === line.length) used += bytes; // ASCII, as almost every line is
    else used += block.write(escapeForTerminal(line), used);
  };
  return {
    write: append,
    flush(done) {
      write();
      stdout.flush(done);
    },
  };
}

interface Stdout {
  write(bytes: Uint8Array): void;
  flush(done?: () => void): void;
  flushSync(): void;
}

function openStdout(onLost: (lines: number) => void): Stdout {
  // Without a least length its `flush` would not wait for a write that is under way, and what exits then overtakes it.
  const options = { fd: 1, sync: false, minLength: 1, maxLength: MOST_WAITING, contentMode: "buffer" } as const;
  const stdout = destination(options) as ReturnType<typeof destination> & Stdout; // its types know texts only
  const flush = stdout.flush.bind(stdout);
  const flushSync = stdout.flushSync.bind(stdout);
  let lost = 0;
  let isStuck = false;
  let failing = false;
  stdout.on("error", () => (failing = true)); // it tries again with the next block
  stdout.on("write", () => (failing = false));
  stdout.on("drop", (bytes: Uint8Array) => {
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, end + 1)) lost++;
  });
  stdout.on("drain", () => {
    const lines = lost;
    lost = 0;
    if (lines > 0) onLost(lines);
  });
  stdout.flush = (done) => {
    const limit = setTimeout(() => {
      isStuck = true;
      done?.();
    }, FLUSH_LIMIT);
    const wait = (): void => void limit.refresh();
    stdout.on("write", wait);
    flush(() => {
      clearTimeout(limit);
      stdout.off("write", wait);
      if (!isStuck) done?.();
    });
  };
  // At the end of the process, where pino calls it as well.
  stdout.flushSync = () => {
    if (isStuck) process.kill(process.pid, "SIGKILL"); // a thread that waits in write(2) would hold exit(3) back
    if (!failing) flushSync(); // it would try for ever
  };
  return stdout;
}
