import { setTimeout as sleep } from "node:timers/promises";
import type { PrivateNode } from "../../test/support/private-node.ts";
import { depthsOf } from "./brokers.ts";
import { readHistory } from "./history.ts";
import { reconcile } from "./reconcile.ts";

const EVERY = 3000;
/** Nothing may have come for so long. */
const CALM = 10_000;
/** After that what has not come counts as lost. */
const LIMIT = 120_000;

/**
 * Waits until no acknowledged push is missing, the queues for work are empty and the backend has got nothing for 10 s,
 * but 2 minutes at most. Resolves to what is left in the queues.
 */
export async function waitForQuiet(folder: string, node: PrivateNode): Promise<Record<string, number>> {
  let depths: Record<string, number> = {};
  for (const end = Date.now() + LIMIT; Date.now() < end; await sleep(EVERY)) {
    const history = await readHistory(folder);
    const isQuiet = Date.now() - (history.receipts.at(-1)?.at ?? 0) > CALM;
    if (!isQuiet || reconcile(history).lost.length > 0) continue;
    depths = await depthsOf(node);
    if (!Object.keys(depths).some((queue) => /\.(dispatch|retry)\./.test(queue))) return depths;
  }
  return depthsOf(node);
}
