import type { Closing } from "../../test/support/loopback-server.ts";

/**
 * Where everything that is started leaves how it is ended: the last one first, however the run ends. `close` may be called
 * twice, and while things are still being started: what is registered after it ends at once.
 */
export function createClosing(): { closing: Closing; close: () => Promise<void> } {
  const closers: (() => Promise<void>)[] = [];
  let ending: Promise<void> | undefined;

  async function endAll(): Promise<void> {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await end(close);
  }

  return {
    closing: {
      after(close) {
        if (ending === undefined) closers.push(close);
        else ending = ending.then(() => end(close));
      },
    },
    close: () => (ending ??= endAll()),
  };
}

async function end(close: () => Promise<void>): Promise<void> {
  await close().catch((error: unknown) => console.error(`not ended: ${String(error)}`));
}
