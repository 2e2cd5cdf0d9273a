import { randomBytes } from "node:crypto";
import type { Bus, Consumer, Delivery, StartingConsumer } from "../shared/bus/bus.ts";
import type { Names } from "../shared/bus/names.ts";
import { replyTopology } from "../shared/bus/bridge-topology.ts";
import { within } from "../shared/bus/waiting.ts";
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
  /** Declares the queue and takes replies from it; resolves once it does, after 3 s at the latest. */
  consume(): Promise<void>;
  /** Takes the queue away. */
  close(): Promise<void>;
}

/** Replies taken off the queue at a time. */
const PREFETCH = 1000;
/** Milliseconds that the broker has each time to declare the queue and let it be consumed. */
const PATIENCE = 1000;
/** How long replies go astray, in ms, after somebody has deleted their exchange, or this queue's binding to it. */
const DECLARE_EVERY = 10_000;
const START_TIMEOUT = 3000;
/** A silent broker is not waited for any longer: the process has to end in time. */
const LEAVE_TIMEOUT = 1000;
/**
 * Milliseconds that a queue is tried for before it is replaced, each one in a row twice as long: a broker that refuses every
 * queue, for want of a permission, must not be asked on and on, and one that is slow with every queue has to get one done.
 */
const GIVEN = { first: 1000, longest: 30_000 } as const;
/** Milliseconds after which a queue that is lost had served, and the next one is the first again. */
const SERVED = 60_000;

/**
 * A queue of this gateway's own. It lives on one node of a cluster: lost with that node, it is given up for another one
 * at once. Replies to pushes that went before are then late ones.
 */
export function createReplyQueue({ bus, names, onReply, log }: ReplyQueueParts): ReplyQueue {
  let instance = newInstance();
  let consumer: Consumer | undefined;
  let takenAt = 0;
  let given: number = GIVEN.first;

  function consume(): StartingConsumer {
    const queue = names.repliesOf(instance);
    takenAt = performance.now();
    const own = {
      topology: replyTopology(names, instance),
      declareEvery: DECLARE_EVERY,
      patience: PATIENCE,
      onLost: () => replace(queue),
    };
    return (consumer = bus.consume(queue, { prefetch: PREFETCH, own }, onReply));
  }

  function replace(lost: string): void {
    if (lost !== names.repliesOf(instance) || consumer === undefined) return;
    const lasted = performance.now() - takenAt;
    if (lasted >= SERVED) given = GIVEN.first;
    if (lasted < given) return; // its consumer tries again, and tells again
    given = Math.min(given * 2, GIVEN.longest);
    instance = newInstance();
    log.warn({ queue: lost, next: names.repliesOf(instance) }, "the reply queue is lost, taking another one");
    void consumer.close(); // the queue expires by itself, should it come back
    consume();
  }

  return {
    get name() {
      return names.repliesOf(instance);
    },
    consume: () => consume().started(START_TIMEOUT),
    async close() {
      const closing = consumer;
      consumer = undefined;
      const leaving = async (): Promise<void> => {
        await closing?.close();
        await bus.deleteQueue(names.repliesOf(instance));
      };
      await within(LEAVE_TIMEOUT, leaving()).catch(() => {}); // it expires by itself
    },
  };
}

/** 128 bits, so that no two gateways ever meet. */
function newInstance(): string {
  return randomBytes(16).toString("hex");
}
