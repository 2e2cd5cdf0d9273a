import type { Delivery, OutgoingMessage } from "./bus/bus.ts";
import { ownHeaders, type Event } from "./envelope.ts";
import { header, type DeadReason } from "./headers.ts";

/** What a copy has of the event rather than of the delivery; without `replyTo` nobody waits for its reply any more. */
export type CopiedEvent = Pick<Event, "routingKey" | "replyTo">;

/** Where a message is published to. */
export type Address = Pick<OutgoingMessage, "exchange" | "routingKey">;

/** A failed delivery on its way through a retry queue; `attempt` is that of the next try. */
export function retryCopy(
  to: Address,
  delivery: Delivery,
  event: CopiedEvent,
  { attempt, error }: { attempt: number; error: string },
): OutgoingMessage {
  return copyOf(to, delivery, event, { [header.attempt]: attempt, [header.error]: error });
}

/** A delivery that is given up, with the reason and the last error. */
export function deadCopy(
  to: Address,
  delivery: Delivery,
  event: CopiedEvent,
  { reason, error, queue }: { reason: DeadReason; error: string; queue?: string },
): OutgoingMessage {
  return copyOf(to, delivery, event, {
    [header.reason]: reason,
    [header.error]: error,
    [header.deadAt]: Date.now(),
    ...(queue === undefined ? {} : { [header.queue]: queue }),
  });
}

/** The event's own properties with some headers replaced; what the broker wrote about earlier dead-lettering is left out. */
export function copyOf(
  to: Address,
  { body, properties }: Delivery,
  event: CopiedEvent,
  headers: Record<string, unknown>,
): OutgoingMessage {
  const { contentType, messageId, correlationId, timestamp, appId } = properties;
  const copied = { contentType, messageId, correlationId, replyTo: event.replyTo, timestamp, appId };
  const present = Object.entries(copied).filter(([, value]) => value !== undefined);
  const own = { type: event.routingKey, headers: { ...ownHeaders(properties), ...headers } };
  return { ...to, body, properties: { ...Object.fromEntries(present), ...own } };
}
