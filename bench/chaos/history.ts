import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What one try of a push came to: an HTTP status, or why there was no whole answer. */
export type TryEnd = number | "timeout" | "refused" | "reset" | "broken";

/** One try, as the process that plays WeChat saw it; times are epoch ms. */
export interface Try {
  push: number;
  /** 1, 2, 3 … */
  number: number;
  identity: string;
  startedAt: number;
  ms: number;
  end: TryEnd;
  /** What an answer said: the backend's reply to this very push, `success`, or something that nobody may say. */
  said?: "reply" | "success" | "wrong";
}

/** One request to the backend. */
export interface Receipt {
  at: number;
  /** undefined when the body holds no push of this run. */
  push?: number;
  /** The header X-Wx-Event-Id. */
  id: string;
  /** SHA-256 of the body. */
  body: string;
  /** False when the backend refused it on purpose: that does not count as seen. */
  taken: boolean;
}

/** One fault: on from the strike until the process was itself again. `unasked`: a process ended by itself. */
export interface Fault {
  process: string;
  kind: string;
  from: number;
  to: number;
}

/** All that is known of a run, in the order in which it was written down. */
export interface History {
  tries: Try[];
  receipts: Receipt[];
  faults: Fault[];
}

/** The logs of a run's folder; none of them is written by wx-bridge. */
export const logs = { tries: "wechat.jsonl", receipts: "backend.jsonl", faults: "faults.jsonl" } as const;

/** Reads a run's logs; one that is still being written is read up to its last whole line. */
export async function readHistory(folder: string): Promise<History> {
  return {
    tries: await readLines<Try>(join(folder, logs.tries)),
    receipts: await readLines<Receipt>(join(folder, logs.receipts)),
    faults: await readLines<Fault>(join(folder, logs.faults)),
  };
}

async function readLines<T>(file: string): Promise<T[]> {
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as T);
}
