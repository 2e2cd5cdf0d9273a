import { context, propagation } from "@opentelemetry/api";
import type { Delivery, OutgoingMessage, Properties } from "./bus/bus.ts";
import { contractVersion, header } from "./headers.ts";
import { takeRandom } from "./random.ts";
import type { Push } from "./wechat/push.ts";

export interface EventOptions {
  appId: string;
  /** Epoch ms. */
  deadline: number;
  /** The reply queue, when the gateway waits. */
  replyTo: string | undefined;
}

/** Filled in for each message: names that have to be worked out make an object literal cost more than all that is in it. */
const eventHeaders = {
  [header.contract]: contractVersion,
  [header.service]: "",
  [header.deadline]: 0,
  [header.budget]: 0,
  [header.attempt]: 1,
  [header.traceparent]: "",
};
const replyHeaders = { [header.contract]: contractVersion, [header.service]: "" };

/** Properties of an event as the gateway publishes it, contract version 1. */
export function eventProperties(push: Push, { appId, deadline, replyTo }: EventOptions): Properties {
  const headers = { ...eventHeaders };
  headers[header.service] = push.service;
  headers[header.deadline] = deadline;
  headers[header.budget] = budgetLeft(deadline);
  headers[header.traceparent] = currentTraceparent();
  return {
    contentType: "application/json",
    messageId: push.identity,
    correlationId: push.identity,
    ...(replyTo === undefined ? {} : { replyTo }),
    timestamp: push.CreateTime,
    type: push.routingKey,
    appId,
    headers,
  };
}

/** What `x-wx-budget` says at this moment of an event with this deadline (epoch ms). */
export function budgetLeft(deadline: number): number {
  return Math.max(Math.round(deadline - Date.now()), 0);
}

/** An event as a consumer sees it. */
export interface Event {
  identity: string;
  service: string;
  routingKey: string;
  attempt: number;
  /** Epoch ms: the smaller of the deadline and what the budget leaves, so that clocks may differ. */
  deadline: number;
  replyTo: string | undefined;
  traceparent: string | undefined;
  body: Buffer;
}

/** Reads a delivery of an event. Whatever a stranger left out gets a harmless value. */
export function readEvent({ properties, routingKey, body }: Delivery, receivedAt = Date.now()): Event {
  const headers = properties.headers ?? {};
  const deadline = numberOr(headers[header.deadline], receivedAt);
  const budget = numberOr(headers[header.budget], 0);
  const attempt = Math.max(Math.trunc(numberOr(headers[header.attempt], 1)), 1);
  return {
    identity: properties.messageId ?? "",
    service: textOr(headers[header.service], ""),
    routingKey: properties.type ?? routingKey,
    attempt,
    deadline: attempt === 1 ? Math.min(deadline, receivedAt + budget) : deadline,
    replyTo: properties.replyTo,
    traceparent: textOr(headers[header.traceparent], undefined),
    body,
  };
}

/** Whose event a body is (`FromUserName`); "" for nobody's, such as WeChat's own notices, and for what is no event. */
export function openidIn(body: Buffer): string {
  try {
    const { FromUserName } = JSON.parse(body.toString("utf8")) as { FromUserName?: unknown };
    return typeof FromUserName === "string" ? FromUserName : "";
  } catch {
    return "";
  }
}

/** A reply on its way to the gateway that waits for it; `deferred` replies carry no content yet. */
export function replyMessage(
  event: Pick<Event, "identity" | "service" | "routingKey">,
  exchange: string,
  replyTo: string,
  body: Buffer,
  { deferred = false }: { deferred?: boolean } = {},
): OutgoingMessage {
  const headers: Record<string, unknown> = { ...replyHeaders };
  headers[header.service] = event.service;
  if (deferred) headers[header.deferred] = true;
  return {
    exchange,
    routingKey: replyTo,
    body,
    properties: {
      contentType: "application/json",
      messageId: event.identity,
      correlationId: event.identity,
      type: event.routingKey,
      headers,
    },
  };
}

/** Headers as a publisher set them: without what the broker wrote about deliveries and dead-lettering. */
export function ownHeaders({ headers = {} }: Properties): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isBrokers(name)));
}

function isBrokers(name: string): boolean {
  return (
    name === "x-death" ||
    name.startsWith("x-first-death-") ||
    name.startsWith("x-last-death-") ||
    name === "x-delivery-count" ||
    name === "x-acquired-count"
  );
}

/** The active trace of an OpenTelemetry SDK when one is set up, else a new trace id (W3C Trace Context). */
function currentTraceparent(): string {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  if (carrier.traceparent !== undefined) return carrier.traceparent;
  const id = takeRandom(24).toString("hex");
  return `00-${id.slice(0, 32)}-${id.slice(32)}-00`;
}

/** `value` when it is a finite number, else `otherwise`. */
export function numberOr(value: unknown, otherwise: number): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : otherwise;
}

function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === "string" ? value : otherwise;
}
