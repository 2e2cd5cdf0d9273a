import type { Delivery } from "./bus/bus.ts";
import type { Event } from "./envelope.ts";
import { isRecord } from "./is-record.ts";

/** A delivery that came back to its queue this often ends the process that takes it, or never ends. */
const POISON_DELIVERIES = 20;
/** What `routingKeyOf` makes. */
const key = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** What may stand in an HTTP header's value (RFC 9110, 5.5), where identity and trace go. */
const fieldValue = /^[\t\x20-\x7E]*$/;

/** Why a delivery can never be worked on, as nobody who keeps the contract publishes one like it; else undefined. */
export function poisonIn(delivery: Delivery, event: Event): string | undefined {
  const count = delivery.properties.headers?.["x-delivery-count"];
  if (typeof count === "number" && count >= POISON_DELIVERIES) return "delivered too often without an end";
  if (!key.test(event.routingKey)) return "its type is no routing key";
  if (!fieldValue.test(event.identity)) return "its message_id is no identity";
  if (event.traceparent !== undefined && !fieldValue.test(event.traceparent)) return "its traceparent is none";
  return isJsonObject(event.body) ? undefined : "its body is not a JSON object";
}

/** Read as Latin-1, bytes of UTF-8 are as much JSON as their characters are, and are read in half the time. */
function isJsonObject(body: Buffer): boolean {
  try {
    return isRecord(JSON.parse(body.toString("latin1")));
  } catch {
    return false;
  }
}
