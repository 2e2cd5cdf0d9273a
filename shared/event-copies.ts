import type { Delivery, OutgoingMessage, Properties } from "./bus/bus.ts";
import { ownHeaders, type Event } from "./envelope.ts";
import { header, type DeadReason } from "./headers.ts";

/** Where a message is published to. */
export type Address = Pick<OutgoingMessage, "exchange" | "routingKey">;

/** A failed delivery on its way through a retry queue; `attempt` is that of the next try. */
export function retryCopy(
  to: Address,
  delivery: Delivery,
  event: Pick<Event, "routingKey">,
  { attempt, error }: { attempt: number; error: string },
): OutgoingMessage {
  const properties = copyOf(delivery, event, { [header.attempt]: attempt, [header.error]: error });
  return { ...to, body: delivery.body, properties };
}

/** A delivery that is given up, with the reason and the last error. */
export function deadCopy(
  to: Address,
  delivery: Delivery,
  event: Pick<Event, "routingKey">,
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
export function copyOf(
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
