import type { Closing } from "../../test/support/loopback-server.ts";
import { createClosing } from "./closing.ts";

/** What a case needs of its surroundings: how long to measure, and a place to leave what has to be closed. */
export interface Stage extends Closing {
  /** Length of one timed run, in seconds. */
  readonly seconds: number;
  /** How often everything is measured. */
  readonly rounds: number;
  /** Folder for CPU profiles of the bridge; undefined without `--profile`. */
  readonly profileFolder: string | undefined;
  /** Prints a line of progress. */
  say(line: string): void;
}

export interface StageOptions {
  seconds: number;
  rounds: number;
  profileFolder: string | undefined;
}

/** `close` as that of `createClosing`. */
export function createStage(options: StageOptions): { stage: Stage; close: () => Promise<void> } {
  const { closing, close } = createClosing();
  return { stage: { ...options, ...closing, say: (line) => console.log(`  ${line}`) }, close };
}
