import type { Delivery, OutgoingMessage, Properties } from "./bus/bus.ts";
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
  const properties = copyOf(delivery, event, { [header.attempt]: attempt, [header.error]: error });
  return { ...to, body: delivery.body, properties };
}

/** A delivery that is given up, with the reason and the last error. */
export function deadCopy(
  to: Address,
  delivery: Delivery,
  event: CopiedEvent,
  { reason, error, queue }: { reason: DeadReason; error: string; queue?: string },
): OutgoingMessage {
  const headers = {
    [header.reason]: reason,
    [header.error]: error,
    [header.deadAt]: Date.now(),
    ...(queue === undefined ? {} : { [header.queue]: queue }),
  };
  return { ...to, body: delivery.body, properties: copyOf(delivery, event, headers) };
}

/** The event's own properties with some headers replaced; what the broker wrote about earlier dead-lettering is left out. */
export function copyOf({ properties }: Delivery, event: CopiedEvent, headers: Record<string, unknown>): Properties {
  const { contentType, messageId, correlationId, timestamp, appId } = properties;
  const copied = { contentType, messageId, correlationId, replyTo: event.replyTo, timestamp, appId };
  const present = Object.entries(copied).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(present),
    type: event.routingKey,
    headers: { ...ownHeaders(properties), ...headers },
  };
}
