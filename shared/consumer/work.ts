import type { Bus, Delivery } from "../bus/bus.ts";
import type { Event } from "../envelope.ts";
import { deadCopy, retryCopy } from "../event-copies.ts";
import type { DeadReason } from "../headers.ts";
import type { Logger } from "../log.ts";
import { poisonIn } from "../poison.ts";
import { createPublishReply } from "../publish-reply.ts";
import { createPublishUntilHeld } from "../publish-until-held.ts";
import { reasonOf } from "../reason-of.ts";
import { isReply, openContext } from "./context.ts";
import type { HandlerTable } from "./handlers.ts";
import type { QueuePlan } from "./plan.ts";
import { readPush } from "./push.ts";

/** How a delivery ended: its handler is done, it waits for a retry, it was given up, or no handler is for it. */
export type Outcome = "taken" | "retry" | "unmatched" | DeadReason;

/** A delivery's end, for logs and metrics. */
export interface Ended {
  outcome: Outcome;
  error?: string;
  /** The wait before the next try. */
  delay?: string;
}

export interface WorkParts {
  plan: QueuePlan;
  handlers: HandlerTable;
  bus: Bus;
  log: Logger;
  /** Ends what is under way at shutdown. */
  signal: AbortSignal;
}

const MAX_ERROR = 500;

/**
 * Works on one event: handler, reply, or else a copy for the next try. Resolves when everything that follows from it is
 * confirmed, so that the delivery may be acked; rejects when that was cut short.
 */
export function createWork({ plan, handlers, bus, log, signal }: WorkParts) {
  const { queue, ladder } = plan;
  const publish = createPublishUntilHeld(bus, log, signal);
  const publishReply = createPublishReply(publish, plan.names);

  return async function work(delivery: Delivery, event: Event): Promise<Ended> {
    const poison = poisonIn(delivery, event);
    if (poison !== undefined) return bury(delivery, event, "poison", poison);
    const handler = handlers.find(event.routingKey);
    if (handler === undefined) return { outcome: "unmatched" };
    const { context, sent } = openContext(event, signal, (reply) => publishReply(event, reply));
    try {
      const said: unknown = await handler(readPush(event.body) as never, context);
      if (isReply(said)) await context.reply(said);
      else if (said !== undefined && said !== null) warnOf(event);
      await sent();
      return { outcome: "taken" };
    } catch (error) {
      const wasReplied = await sent().catch(() => false);
      // Whoever has read a reply is not to read that of another try.
      return await retry(delivery, wasReplied ? { ...event, replyTo: undefined } : event, lineOf(error));
    }
  };

  function warnOf({ service, identity, routingKey: key }: Event): void {
    log.warn({ service, identity, key }, "what the handler returned is no reply: nothing is sent");
  }

  async function retry(delivery: Delivery, event: Event, error: string): Promise<Ended> {
    const delay = ladder.delays[event.attempt - 1];
    if (delay === undefined) return bury(delivery, event, "exhausted", error);
    const attempt = event.attempt + 1;
    await publish(retryCopy(ladder.retryTo(delay), delivery, event, { attempt, error }), { inPlaceOf: delivery });
    return { outcome: "retry", error, delay: delay.name };
  }

  async function bury(delivery: Delivery, event: Event, reason: DeadReason, error: string): Promise<Ended> {
    await publish(deadCopy(ladder.dead, delivery, event, { reason, error, queue }), { inPlaceOf: delivery });
    return { outcome: reason, error };
  }
}

/** In one line, as it goes into a header. */
function lineOf(error: unknown): string {
  return reasonOf(error).replaceAll(/\s+/g, " ").slice(0, MAX_ERROR);
}
