import type { Account, Config, RetryDelay } from "../config/config.ts";
import { createNames, dispatchQueueOf, formerQueueOf, isDispatched, type Names } from "./names.ts";
import {
  deadQueue,
  mergeTopologies,
  quorum,
  waitingTopology,
  type ExchangeDeclaration,
  type QueueDeclaration,
  type Topology,
} from "./topology.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/** Where late replies wait that could not be sent yet: a retry queue, from which they return to `late-replies`. */
export const lateRetry: RetryDelay = { name: "10s", ms: 10 * SECOND };

/** Everything the accounts of a config need, declared alike by gateways and dispatchers, whoever comes first. */
export function bridgeTopology(config: Pick<Config, "accounts" | "amqpPrefix">): Topology {
  const names = createNames(config.amqpPrefix);
  const all = [commonTopology(names), retryTopology(names, config.accounts.flatMap(delaysOf))];
  for (const account of config.accounts) all.push(accountTopology(names, account));
  return mergeTopologies(...all);
}

/**
 * One gateway instance's reply queue, bound by its own name; what it leaves unread becomes a late reply. With its exchange,
 * which consumers cannot bring back.
 */
export function replyTopology(names: Names, instance: string): Topology {
  const queue = names.repliesOf(instance);
  return mergeTopologies({
    exchanges: [repliesExchange(names)],
    queues: [
      {
        name: queue,
        arguments: {
          "x-queue-type": "classic",
          "x-message-ttl": 15 * SECOND,
          "x-expires": HOUR,
          "x-dead-letter-exchange": "",
          "x-dead-letter-routing-key": names.lateReplies,
        },
      },
    ],
    bindings: [{ source: names.replies, destination: queue, to: "queue", routingKey: queue }],
  });
}

function repliesExchange(names: Names): ExchangeDeclaration {
  return { name: names.replies, type: "direct", arguments: { "alternate-exchange": names.lateReplies } };
}

function commonTopology(names: Names): Partial<Topology> {
  return {
    exchanges: [
      { name: names.events, type: "topic" },
      { name: names.enriched, type: "topic" },
      { name: names.lateReplies, type: "fanout" },
      repliesExchange(names),
    ],
    queues: [
      quorum(names.lateReplies, { "x-message-ttl": 48 * HOUR, "x-single-active-consumer": true }),
      deadQueue(names.dead),
      quorum(names.unrouted, { "x-max-length": 100_000, "x-overflow": "drop-head", "x-message-ttl": 7 * DAY }),
    ],
    bindings: [{ source: names.lateReplies, destination: names.lateReplies, to: "queue", routingKey: "" }],
  };
}

function accountTopology(names: Names, account: Account): Partial<Topology> {
  const events = names.eventsOf(account.name);
  const enriched = names.enrichedOf(account.name);
  const isOrdered = account.ordering === "user";
  const bindingTo = (destination: string) => ({ source: events, destination, to: "queue", routingKey: "#" }) as const;
  const inUse = bindingTo(dispatchQueueOf(names, account));
  const former = bindingTo(formerQueueOf(names, account));
  return {
    exchanges: [
      { name: events, type: "topic" },
      { name: enriched, type: "topic" },
    ],
    // The plain one always: deliveries return there that failed before the account was ordered.
    queues: [quorum(names.dispatchOf(account.name), {}), ...(isOrdered ? [orderedQueue(names, account.name)] : [])],
    bindings: [
      { source: events, destination: names.events, to: "exchange", routingKey: "#" },
      { source: enriched, destination: names.enriched, to: "exchange", routingKey: "#" },
      ...(isDispatched(account) ? [inUse] : []),
    ],
    unbindings: isDispatched(account) ? [former] : [inUse, former],
  };
}

/** Goes to one dispatcher process at a time, and to the next one, from the oldest on, when that is gone. */
export function orderedQueue(names: Names, service: string): QueueDeclaration {
  return quorum(names.orderedOf(service), { "x-single-active-consumer": true });
}

/** The queues where failed deliveries wait, each once. */
export function retryTopology(names: Names, delays: readonly RetryDelay[]): Topology {
  const queues = new Map(delays.map(({ name, ms }) => [names.retryOf(name), ms]));
  return mergeTopologies(...[...queues].map(([name, ms]) => waitingTopology(name, ms, "")));
}

function delaysOf({ retry, lateReply }: Account): RetryDelay[] {
  return lateReply === "customer-service" ? [...retry, lateRetry] : retry;
}
