import type { Names } from "../bus/names.ts";
import { retryTopology } from "../bus/bridge-topology.ts";
import { deadQueue, mergeTopologies, waitingTopology, type Topology } from "../bus/topology.ts";
import type { RetryDelay } from "../config/config.ts";
import type { Address } from "../event-copies.ts";

/** Where failed deliveries of one queue wait for their next try, and where those go that are given up. */
export interface Ladder {
  delays: readonly RetryDelay[];
  topology: Topology;
  retryTo(delay: RetryDelay): Address;
  dead: Address;
}

/** The bridge's own retry queues and dead-letter queue, shared with the dispatcher and with `wx-bridge dead`. */
export function createBridgeLadder(names: Names, queue: string, delays: readonly RetryDelay[]): Ladder {
  return {
    delays,
    topology: mergeTopologies(retryTopology(names, delays), { queues: [deadQueue(names.dead)] }),
    retryTo: ({ name }) => ({ exchange: names.retryOf(name), routingKey: queue }),
    dead: { exchange: "", routingKey: names.dead },
  };
}

/**
 * Retry queues `<queue>.retry.<delay>` and the dead-letter queue `<queue>.dead`, for a user who may write to its own
 * names only: whoever may write to the bridge's retry queues can reach every queue through them.
 */
export function createOwnLadder(queue: string, delays: readonly RetryDelay[]): Ladder {
  const again = `${queue}.again`;
  const dead = `${queue}.dead`;
  const retryOf = ({ name }: RetryDelay): string => `${queue}.retry.${name}`;
  const waiting = delays.map((delay) => waitingTopology(retryOf(delay), delay.ms, again));
  return {
    delays,
    topology: mergeTopologies(...waiting, {
      exchanges: [
        { name: again, type: "fanout" },
        { name: dead, type: "fanout" },
      ],
      queues: [deadQueue(dead)],
      bindings: [
        { source: again, destination: queue, to: "queue", routingKey: "" },
        { source: dead, destination: dead, to: "queue", routingKey: "" },
      ],
    }),
    retryTo: (delay) => ({ exchange: retryOf(delay), routingKey: queue }),
    dead: { exchange: dead, routingKey: queue },
  };
}
