/** What a case needs of its surroundings: how long to measure, and a place to leave what has to be closed. */
export interface Stage {
  /** Length of one timed run, in seconds. */
  readonly seconds: number;
  /** How often everything is measured. */
  readonly rounds: number;
  /** Folder for CPU profiles of the bridge; undefined without `--profile`. */
  readonly profileFolder: string | undefined;
  /** Runs at the case's end, the last one first, however it ends. */
  after(close: () => Promise<void>): void;
  /** Prints a line of progress. */
  say(line: string): void;
}

export interface StageOptions {
  seconds: number;
  rounds: number;
  profileFolder: string | undefined;
}

/** `close` may run at any time, even twice; what is registered after it is closed at once. */
export function createStage(options: StageOptions): { stage: Stage; close: () => Promise<void> } {
  const closers: (() => Promise<void>)[] = [];
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
      await closer().catch((error: unknown) => console.error(`not closed: ${String(error)}`));
    }
  }

  const stage: Stage = {
    ...options,
    after(close) {
      if (closing === undefined) closers.push(close);
      else closing = closing.then(close);
    },
    say: (line) => console.log(`  ${line}`),
  };
  return { stage, close: () => (closing ??= closeAll()) };
}
