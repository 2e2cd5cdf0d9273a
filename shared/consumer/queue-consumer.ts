import { setTimeout as sleep } from "node:timers/promises";
import type { Bus, Consumer, Delivery } from "../bus/bus.ts";
import { readEvent, type Event } from "../envelope.ts";
import type { Logger } from "../log.ts";
import { PassingSet } from "../passing-map.ts";
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
}

/** Takes the events of one queue, on whichever bus. */
export interface QueueConsumer {
  /** Begins to take; the queue has to be declared by then on the in-process bus, and comes when it can on RabbitMQ. */
  consume(): void;
  /** Takes nothing new, gives handlers under way `patience` ms (default 8 s), the rest back to the queue. */
  close(patience?: number): Promise<void>;
}

const DRAIN_TIMEOUT = 8000;

/** Deliveries beyond the plan's concurrency wait in the order they came. */
export function createQueueConsumer({ plan, handlers, bus, log, onEnded }: QueueConsumerParts): QueueConsumer {
  const stopping = new AbortController();
  const work = createWork({ plan, handlers, bus, log, signal: stopping.signal });
  const underWay = new PassingSet<Promise<void>>();
  const waiting: { delivery: Delivery; event: Event }[] = [];
  let consumer: Consumer | undefined;
  let closing = false;

  function take(delivery: Delivery): void {
    waiting.push({ delivery, event: readEvent(delivery) });
    startNext();
  }

  function startNext(): void {
    if (closing || underWay.size >= plan.concurrency) return;
    const next = waiting.shift();
    if (next === undefined) return;
    const running = run(next.delivery, next.event).finally(() => {
      underWay.delete(running);
      startNext();
    });
    underWay.add(running);
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
      const reason = error instanceof Error ? error.message : String(error);
      if (!stopping.signal.aborted) log.error({ service, identity, reason }, "delivery cut short");
      delivery.requeue();
    }
  }

  return {
    consume() {
      consumer = bus.consume(plan.queue, { prefetch: plan.prefetch }, take);
    },
    async close(patience = DRAIN_TIMEOUT) {
      closing = true;
      await consumer?.cancel();
      for (const { delivery } of waiting.splice(0)) delivery.requeue();
      await Promise.race([Promise.all(underWay), sleep(patience, undefined, { ref: false })]);
      stopping.abort(new Error("shutting down"));
      await consumer?.close();
    },
  };
}
