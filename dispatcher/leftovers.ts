import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "../shared/bus/bus.ts";
import { formerQueueOf, isDispatched, type Names } from "../shared/bus/names.ts";
import { orderedQueue } from "../shared/bus/bridge-topology.ts";
import { mergeTopologies } from "../shared/bus/topology.ts";
import type { Account } from "../shared/config/config.ts";
import type { Logger } from "../shared/log.ts";

const DECLARE_TIMEOUT = 3000;
const ASK_EVERY = 1000;

export interface LeftoversParts {
  accounts: readonly Account[];
  bus: Bus;
  names: Names;
  log: Logger;
  /** Ends the wait for a broker that is away. */
  signal: AbortSignal;
  /** Consumes a queue like the account's own. */
  take: (account: Account, queue: string) => void;
}

/**
 * What a change of `ordering` left in the other queue of an account is taken from there, for as long as the process runs.
 */
export async function lookAfterLeftovers({ accounts, bus, names, log, signal, take }: LeftoversParts): Promise<void> {
  const plain = new Set(accounts.map(({ name }) => names.dispatchOf(name)));
  while (!bus.ready && !signal.aborted) await sleep(ASK_EVERY, undefined, { ref: false });
  for (const account of accounts.filter(isDispatched)) {
    const queue = formerQueueOf(names, account);
    // A service may be named so that its plain queue has the name of another one's ordered queue.
    if (plain.has(queue) && queue !== names.dispatchOf(account.name)) continue;
    const messages = await depthOf(queue);
    if (signal.aborted) return;
    await takeFrom(queue, account, messages);
  }

  /** Asked again until the broker answers: it is not asked for them another time. */
  async function depthOf(queue: string): Promise<number | undefined> {
    while (!signal.aborted) {
      try {
        return await bus.depth(queue);
      } catch {
        await sleep(ASK_EVERY, undefined, { ref: false });
      }
    }
    return undefined;
  }

  /** Events may still come there: from a dispatcher that ends, or from a retry queue. */
  async function takeFrom(queue: string, account: Account, messages: number | undefined): Promise<void> {
    if (messages === undefined) return; // there is no such queue
    const { name: service } = account;
    if (messages > 0) log.warn({ service, queue, messages }, "events are left of another `ordering`, taking them");
    if (account.ordering === "none") {
      const declared = mergeTopologies({ queues: [orderedQueue(names, service)] });
      await bus.declare(declared, { timeout: DECLARE_TIMEOUT }).catch(() => {}); // the bus tells, and tries again
    }
    if (!signal.aborted) take(account, queue);
  }
}
