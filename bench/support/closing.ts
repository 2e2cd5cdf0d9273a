/** Where everything that was started leaves how it is ended; fits what test/support calls `Closing`. */
export interface Stage {
  /** Runs at the end, the last one first, however the run ends. */
  after(close: () => Promise<void>): void;
}

/** `close` may be called twice, and while things are still being started: what is registered after it ends at once. */
export function createStage(): { stage: Stage; close: () => Promise<void> } {
  const closers: (() => Promise<void>)[] = [];
  let closing: Promise<void> | undefined;

  async function endAll(): Promise<void> {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await end(close);
  }

  return {
    stage: {
      after(close) {
        if (closing === undefined) closers.push(close);
        else closing = closing.then(() => end(close));
      },
    },
    close: () => (closing ??= endAll()),
  };
}

async function end(close: () => Promise<void>): Promise<void> {
  await close().catch((error: unknown) => console.error(`not ended: ${String(error)}`));
}
