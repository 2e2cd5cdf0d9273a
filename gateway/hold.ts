import type { Bus, OutgoingMessage, PublishOptions, PublishOutcome } from "../shared/bus/bus.ts";
import { createRefusals } from "../shared/bus/refusals.ts";
import { dispatchQueueOf, isDispatched, type Names } from "../shared/bus/names.ts";
import { isUncarriable } from "../shared/bus/uncarriable.ts";
import type { Account } from "../shared/config/config.ts";
import { Failure, isFailure } from "../shared/failure.ts";
import type { Logger } from "../shared/log.ts";
import { PassingMap } from "../shared/passing-map.ts";
import { reasonOf } from "../shared/reason-of.ts";
import type { Spool } from "./spool.ts";
import type { Spooled } from "./spool-table.ts";

/** Where a push is held: in the queues bound for it, in `unrouted` since there were none, or on this gateway's disk. */
export type Held = "routed" | "unrouted" | "spooled";

/**
 * Resolves once the broker holds a push. Rejects with `NOT_HELD` or `NACKED` after at most `timeout` ms, and with
 * `NOT_HELD` when `source` is gone before it could be published.
 */
export type HoldOnBroker = (
  push: Spooled,
  timeout: number,
  source?: PublishOptions["source"],
) => Promise<"routed" | "unrouted">;

export interface HoldParts {
  accounts: Account[];
  bus: Bus;
  names: Names;
  log: Logger;
}

/** Publishes pushes so that none is lost for want of a queue, or for one that refuses. */
export function createHoldOnBroker({ accounts, bus, names, log }: HoldParts): HoldOnBroker {
  const dispatchQueues = new Map(
    accounts.filter(isDispatched).map((account) => [account.name, dispatchQueueOf(names, account)]),
  );
  const refusals = createRefusals();

  return async function holdOnBroker({ service, message }, timeout, source) {
    const deadline = performance.now() + timeout;
    const publish = (each: OutgoingMessage, options: Partial<PublishOptions> = {}): Promise<PublishOutcome> =>
      bus.publish(each, { timeout: Math.max(deadline - performance.now(), 0), mandatory: true, ...options });
    // Behind it there is nothing more to be tried, and a refusal may pass: a quorum queue that elects its leader gives some.
    // One that has not passed lately is not waited for again, or each push would wait out its budget.
    const publishTo = async (queue: string): Promise<PublishOutcome> => {
      const insisting = refusals.lately(queue) ? {} : { tries: Infinity };
      try {
        return await publish({ ...message, exchange: "", routingKey: queue }, insisting);
      } catch (error) {
        const isNews = !refusals.lately(queue);
        refusals.happened(queue);
        if (isNews)
          log.warn({ queue, reason: reasonOf(error) }, "a queue takes no pushes: look at its limits and policies");
        throw error;
      }
    };

    const { exchange } = message;
    try {
      if ((await publish(message, { tries: refusals.tries(exchange), source })) === "routed") return "routed";
    } catch (error) {
      if (!isFailure(error, "NACKED") || isUncarriable(error)) throw error;
      if (exchange === "") throw error; // it is for that queue alone
      refusals.happened(exchange);
      // One queue's refusal is one for all, and nobody tells which queues have their copy: this one has it for certain.
      const queue = names.isRetry(exchange) ? message.routingKey : (dispatchQueues.get(service) ?? names.unrouted);
      if ((await publishTo(queue)) === "routed") {
        const line = { identity: message.properties.messageId, service, queue };
        log.warn(line, "a subscriber's queue refuses, publishing past it");
        return "routed";
      }
    }
    if ((await publishTo(names.unrouted)) === "routed") return "unrouted";
    throw new Failure("NOT_HELD", `no queue takes the push: ${names.unrouted} is missing`);
  };
}

/** What is left of the budget for the disk when the broker does not confirm, in ms. */
const DISK_MARGIN = 300;
/** How long a push waits for a broker that is away before it goes to disk, in ms. */
const AWAY_PATIENCE = 500;

/** Resolves once a push is held before `deadline` (epoch ms). Rejects with `NOT_HELD` or `NACKED`. */
export type Hold = (push: Spooled, deadline: number) => Promise<Held>;

/** With a spool, what the broker does not confirm in time goes to disk, and so does what must stay behind that. */
export function createHold(holdOnBroker: HoldOnBroker, bus: Pick<Bus, "publishes">, spool: Spool | undefined): Hold {
  if (spool === undefined) return (push, deadline) => holdOnBroker(push, Math.max(deadline - Date.now(), 0));

  /** By user, resolves once all of theirs that came so far are with the broker, or go to disk in their order. */
  const onTheWay = new PassingMap<string, Promise<void>>();

  return async function hold(push, deadline) {
    const { user } = push;
    const before = onTheWay.get(user);
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    onTheWay.set(user, over);
    void over.then(() => onTheWay.get(user) === over && onTheWay.delete(user));
    try {
      const held = await tryBroker(push, deadline);
      if (held !== undefined) return held;
      await before; // one that came while the broker was there waits longer for it
      const adding = spool.add(push);
      end();
      await adding;
      return "spooled";
    } finally {
      end(before);
    }
  };

  /** Resolves with undefined when the push has to go to disk. */
  async function tryBroker(push: Spooled, deadline: number): Promise<Held | undefined> {
    const isBehind = (): boolean => spool?.holds(push.user) === true;
    if (isBehind()) return undefined;
    try {
      // One that waits for the broker must not overtake what its user has had to leave on disk meanwhile.
      return await holdOnBroker(push, patience(deadline), { isGone: isBehind });
    } catch (error) {
      if (isFailure(error, "NOT_HELD") || isFailure(error, "NACKED")) return undefined;
      throw error;
    }
  }

  function patience(deadline: number): number {
    const left = Math.max(deadline - Date.now() - DISK_MARGIN, 0);
    return bus.publishes ? left : Math.min(left, AWAY_PATIENCE);
  }
}
