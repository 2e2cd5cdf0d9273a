import type { Bus } from "../shared/bus/bus.ts";
import { isDispatched, type Names } from "../shared/bus/names.ts";
import type { Account } from "../shared/config/config.ts";
import type { Logger } from "../shared/log.ts";

const LOOK_EVERY = 60_000;

export interface UnconsumedParts {
  accounts: readonly Account[];
  bus: Pick<Bus, "depth">;
  names: Names;
  log: Logger;
}

/**
 * Looks at once and every minute into the dispatch queues of accounts that have no dispatcher, and tells when more lies
 * there than before: what is left of another `delivery`, comes back from a retry queue, or comes by way of a gateway whose
 * config still has a dispatcher. A queue that is not there is looked for once. Returns how to end it.
 */
export function watchUnconsumed({ accounts, bus, names, log }: UnconsumedParts): () => void {
  // A service may be named so that its plain queue has the name of another one's ordered queue.
  const consumed = new Set(accounts.filter(isDispatched).map(({ name }) => names.dispatchOf(name)));
  const watched = new Set(
    accounts
      .filter((account) => !isDispatched(account))
      .flatMap(({ name }) => [names.dispatchOf(name), names.orderedOf(name)].map((queue) => ({ service: name, queue })))
      .filter(({ queue }) => !consumed.has(queue))
      .map((each) => ({ ...each, told: 0 })),
  );

  async function look(): Promise<void> {
    for (const each of watched) {
      const { service, queue, told } = each;
      const messages = await bus.depth(queue).catch(() => told); // the broker is away: another time
      if (messages === undefined) {
        watched.delete(each); // RabbitMQ logs an error for each such question
        continue;
      }
      if (messages > told) {
        log.warn({ service, queue, messages }, "events are left in a queue that nobody consumes");
      }
      each.told = messages;
    }
  }

  void look();
  const timer = setInterval(() => void look(), LOOK_EVERY);
  timer.unref();
  return () => clearInterval(timer);
}
