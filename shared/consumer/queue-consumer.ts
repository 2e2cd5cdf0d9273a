import { setTimeout as sleep } from "node:timers/promises";
import type { Bus, Consumer, Delivery } from "../bus/bus.ts";
import { readEvent, type Event } from "../envelope.ts";
import type { Logger } from "../log.ts";
import { reasonOf } from "../reason-of.ts";
import { createWorkList } from "../work-list.ts";
import type { HandlerTable } from "./handlers.ts";
import type { QueuePlan } from "./plan.ts";
import { createWork, type Ended } from "./work.ts";

export interface QueueConsumerParts {
  plan: QueuePlan;
  handlers: HandlerTable;
  bus: Bus;
  log: Logger;
  /** Told of every delivery's end. */
  onEnded?: (event: Event, ended: Ended) => void;
  /** Milliseconds after which handlers that leave no room for another are told of, and from then on. Default: 1 min. */
  lookEvery?: number;
}

/** Takes the events of one queue, on whichever bus. */
export interface QueueConsumer {
  /** Begins to take; the queue has to be declared by then on the in-process bus, and comes when it can on RabbitMQ. */
  consume(): void;
  /** Takes nothing new, gives handlers under way `patience` ms (default 8 s), the rest back to the queue. */
  close(patience?: number): Promise<void>;
}

const DRAIN_TIMEOUT = 8000;
const LOOK_EVERY = 60_000;

export function createQueueConsumer(parts: QueueConsumerParts): QueueConsumer {
  const { plan, handlers, bus, log, onEnded, lookEvery = LOOK_EVERY } = parts;
  const stopping = new AbortController();
  const work = createWork({ plan, handlers, bus, log, signal: stopping.signal });
  const list = createWorkList(plan.concurrency, plan.prefetch);
  let consumer: Consumer | undefined;
  let looking: NodeJS.Timeout | undefined;

  /** A handler that never ends keeps its place for ever; when all do, nothing else would tell that nothing is taken. */
  function look(): void {
    if (list.stuckFor() < lookEvery) return;
    log.warn({ concurrency: plan.concurrency }, "all handlers are at work and none ends: nothing more is taken");
  }

  function take(delivery: Delivery): void {
    const event = readEvent(delivery);
    list.add(delivery, () => run(delivery, event));
  }

  async function run(delivery: Delivery, event: Event): Promise<void> {
    const startedAt = performance.now();
    const { service, identity, routingKey: key, attempt } = event;
    try {
      const ended = await work(delivery, event);
      delivery.ack();
      const { outcome, error: reason } = ended;
      const level = outcome === "taken" || outcome === "unmatched" ? "info" : "warn";
      const ms = Math.round(performance.now() - startedAt);
      log[level]({ service, identity, key, attempt, outcome, reason, ms }, "delivery");
      onEnded?.(event, ended);
    } catch (error) {
      const line = { service, identity, reason: reasonOf(error) };
      if (!stopping.signal.aborted) log.error(line, "delivery cut short");
      delivery.requeue();
    }
  }

  return {
    consume() {
      consumer = bus.consume(plan.queue, { prefetch: plan.prefetch }, take);
      looking = setInterval(look, lookEvery).unref();
    },
    async close(patience = DRAIN_TIMEOUT) {
      clearInterval(looking);
      const ended = list.stop();
      const cancelled = consumer?.cancel().then(() => list.giveBack());
      await Promise.race([Promise.all([ended, cancelled]), sleep(patience, undefined, { ref: false })]);
      stopping.abort(new Error("shutting down"));
      await consumer?.close();
    },
  };
}
