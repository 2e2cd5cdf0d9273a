import { setTimeout as sleep } from "node:timers/promises";
import type { Bus, Delivery, OutgoingMessage, Properties } from "../shared/bus/bus.ts";
import { lateRetry, type Names } from "../shared/bus/topology.ts";
import type { RetryDelay } from "../shared/config/config.ts";
import { ownHeaders, replyMessage, type Event } from "../shared/envelope.ts";
import { Failure, isFailure } from "../shared/failure.ts";
import { header, type DeadReason } from "../shared/headers.ts";
import type { Logger } from "../shared/log.ts";
import type { Reply } from "../shared/reply.ts";

const PUBLISH_TIMEOUT = 10_000;
const LONGEST_PAUSE = 10_000;
/** A confirm alone does not say that a queue has the copy; only then may its delivery be acked. */
const held = { mandatory: true };

/** What the dispatcher publishes. Every call resolves when the broker holds the message, however long that takes. */
export interface Outbox {
  reply(event: Event, reply: Reply): Promise<void>;
  /** Lets the gateway answer `success` now: no reply can make the deadline. */
  defer(event: Event): Promise<void>;
  retry(delivery: Delivery, event: Event, rung: { delay: RetryDelay; attempt: number; error: string }): Promise<void>;
  dead(delivery: Delivery, event: Event, reason: DeadReason, error: string): Promise<void>;
  enriched(delivery: Delivery, event: Event, body: Buffer): Promise<void>;
  /** Puts a late reply aside for 10 s; `since` (epoch ms) bounds how often. */
  postpone(delivery: Delivery, since: number): Promise<void>;
}

/** `signal` ends the waiting at shutdown: the delivery then goes back to its queue. */
export function createOutbox(bus: Bus, names: Names, log: Logger, signal: AbortSignal): Outbox {
  async function publish(given: OutgoingMessage, { mandatory = false } = {}): Promise<void> {
    let message = given;
    for (let pause = 100; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      signal.throwIfAborted();
      try {
        const outcome = await bus.publish(message, { timeout: PUBLISH_TIMEOUT, mandatory });
        if (outcome === "routed") return;
        throw new Failure("NOT_HELD", "no queue is bound for it");
      } catch (error) {
        const { exchange, properties } = message;
        log.warn(
          { identity: properties.messageId, exchange, reason: (error as Error).message },
          "not held yet, publishing again",
        );
        if (isUncarriable(error)) message = withoutForeign(message);
        await sleep(pause, undefined, { signal });
      }
    }
  }

  async function publishReply(event: Event, reply: Reply, deferred: boolean): Promise<void> {
    if (event.replyTo === undefined) return;
    const body = Buffer.from(JSON.stringify(reply));
    await publish(replyMessage(event, names.replies, event.replyTo, body, { deferred }));
  }

  return {
    reply: (event, reply) => publishReply(event, reply, false),
    defer: (event) => publishReply(event, { type: "success" }, true),
    retry: (delivery, event, { delay, attempt, error }) =>
      publish(
        {
          exchange: names.retryOf(delay.name),
          routingKey: names.dispatchOf(event.service),
          body: delivery.body,
          properties: copyOf(delivery, event, { [header.attempt]: attempt, [header.error]: error }),
        },
        held,
      ),
    dead: (delivery, event, reason, error) =>
      publish(
        {
          exchange: "",
          routingKey: names.dead,
          body: delivery.body,
          properties: copyOf(delivery, event, {
            [header.reason]: reason,
            [header.error]: error,
            [header.deadAt]: Date.now(),
          }),
        },
        held,
      ),
    enriched: (delivery, event, body) =>
      publish({
        exchange: names.enrichedOf(event.service),
        routingKey: event.routingKey,
        body,
        properties: copyOf(delivery, event, {}),
      }),
    postpone: (delivery, since) =>
      publish(
        {
          exchange: names.retryOf(lateRetry.name),
          routingKey: names.lateReplies,
          body: delivery.body,
          properties: copyOf(delivery, { routingKey: delivery.properties.type ?? "" }, { [header.lateSince]: since }),
        },
        held,
      ),
  };
}

/** AMQP lets others send what amqplib can read but not write: a header that is not a number, or 100 KB of them. */
function isUncarriable(error: unknown): boolean {
  return isFailure(error, "NACKED") && error.cause !== undefined;
}

const contractHeaders = new Set<string>(Object.values(header));
const MAX_HEADER = 1000;

function withoutForeign({ properties, ...message }: OutgoingMessage): OutgoingMessage {
  const { timestamp: _, headers = {}, ...texts } = properties;
  const own = Object.entries(headers).filter(([name, value]) => contractHeaders.has(name) && isPlain(value));
  return { ...message, properties: { ...texts, headers: Object.fromEntries(own) } };
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" ? value.length <= MAX_HEADER : typeof value === "boolean" || Number.isFinite(value);
}

/** The event's own properties with some headers replaced; what the broker wrote about earlier dead-lettering is left out. */
function copyOf(
  { properties }: Delivery,
  event: Pick<Event, "routingKey">,
  headers: Record<string, unknown>,
): Properties {
  const { contentType, messageId, correlationId, replyTo, timestamp, appId } = properties;
  const copied = { contentType, messageId, correlationId, replyTo, timestamp, appId };
  const present = Object.entries(copied).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(present),
    type: event.routingKey,
    headers: { ...ownHeaders(properties), ...headers },
  };
}
