import { randomBytes } from "node:crypto";
import type { Bus, Consumer, Delivery } from "../shared/bus/bus.ts";
import { replyTopology, type Names, type Topology } from "../shared/bus/topology.ts";
import type { Logger } from "../shared/log.ts";

export interface ReplyQueueParts {
  bus: Bus;
  names: Names;
  onReply: (delivery: Delivery) => void;
  log: Logger;
}

/** Where replies to this gateway's pushes go. */
export interface ReplyQueue {
  /** Another one after the queue was lost. */
  readonly name: string;
  /** To be declared before `consume`. */
  readonly topology: Topology;
  consume(): void;
  /** Takes the queue away. */
  close(): Promise<void>;
}

/** Replies taken off the queue at a time. */
const PREFETCH = 1000;
const DECLARE_TIMEOUT = 3000;
/** Milliseconds that a queue is given: what refuses every queue, such as a missing permission, must not be asked on and on. */
const GIVEN = 1000;

/**
 * A queue of this gateway's own. It lives on one node of a cluster: lost with that node, it is given up for another one
 * at once. Replies to pushes that went before are then late ones.
 */
export function createReplyQueue({ bus, names, onReply, log }: ReplyQueueParts): ReplyQueue {
  let instance = newInstance();
  let consumer: Consumer | undefined;
  let takenAt = 0;

  function consume(): void {
    const queue = names.repliesOf(instance);
    takenAt = performance.now();
    consumer = bus.consume(queue, { prefetch: PREFETCH, onRefused: () => replace(queue) }, onReply);
  }

  function replace(lost: string): void {
    if (lost !== names.repliesOf(instance) || consumer === undefined) return;
    if (performance.now() - takenAt < GIVEN) return; // its consumer tries again, and tells again
    instance = newInstance();
    log.warn({ queue: lost, next: names.repliesOf(instance) }, "the reply queue is lost, taking another one");
    void consumer.close();
    bus.deleteQueue(lost).catch(() => {}); // it expires by itself, should it come back
    bus.declare(replyTopology(names, instance), { timeout: DECLARE_TIMEOUT }).catch(() => {}); // the consumer waits for it
    consume();
  }

  return {
    get name() {
      return names.repliesOf(instance);
    },
    get topology() {
      return replyTopology(names, instance);
    },
    consume,
    async close() {
      const closing = consumer;
      consumer = undefined;
      await closing?.close();
      await bus.deleteQueue(names.repliesOf(instance)).catch(() => {}); // it expires by itself
    },
  };
}

/** 128 bits, so that no two gateways ever meet. */
function newInstance(): string {
  return randomBytes(16).toString("hex");
}
