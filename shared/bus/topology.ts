/** Arguments of a queue; part of the contract: changing one means a new name. */
export type Arguments = Record<string, string | number | boolean>;

export interface ExchangeDeclaration {
  name: string;
  type: "topic" | "direct" | "fanout";
  arguments?: Arguments;
}

export interface QueueDeclaration {
  name: string;
  arguments: Arguments;
}

export interface BindingDeclaration {
  source: string;
  destination: string;
  to: "queue" | "exchange";
  routingKey: string;
}

/** Exchanges, queues and bindings to be there; `unbindings` are bindings to be gone. All durable. */
export interface Topology {
  exchanges: ExchangeDeclaration[];
  queues: QueueDeclaration[];
  bindings: BindingDeclaration[];
  unbindings: BindingDeclaration[];
}

/** When the dead-letter queue takes no more, and the share of it from which operators are warned. */
export const deadLimit = { length: 1_000_000, warnAt: 0.8 } as const;

/**
 * A queue whose messages wait `ms` and then go to the exchange `then`. A message keeps the name of the queue to return to
 * as its routing key, so the exchange in front is a fanout.
 */
export function waitingTopology(name: string, ms: number, then: string): Partial<Topology> {
  return {
    exchanges: [{ name, type: "fanout" }],
    queues: [
      quorum(name, {
        "x-message-ttl": ms,
        "x-dead-letter-exchange": then,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
      }),
    ],
    bindings: [{ source: name, destination: name, to: "queue", routingKey: "" }],
  };
}

/** A queue for deliveries that were given up. Full, it refuses: they then stay where they are. */
export function deadQueue(name: string): QueueDeclaration {
  return quorum(name, { "x-max-length": deadLimit.length, "x-overflow": "reject-publish" });
}

/** Quorum queues count deliveries; the limit is set out of reach, alike on RabbitMQ 3.10 and 4. */
export function quorum(name: string, extra: Arguments): QueueDeclaration {
  return { name, arguments: { "x-queue-type": "quorum", "x-delivery-limit": 1_000_000, ...extra } };
}

/** One topology with everything in `parts`, in their order. */
export function mergeTopologies(...parts: Partial<Topology>[]): Topology {
  return {
    exchanges: parts.flatMap((part) => part.exchanges ?? []),
    queues: parts.flatMap((part) => part.queues ?? []),
    bindings: parts.flatMap((part) => part.bindings ?? []),
    unbindings: parts.flatMap((part) => part.unbindings ?? []),
  };
}
