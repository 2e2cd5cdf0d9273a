import type { ConsumeMessage, Options } from "amqplib";
import type { Properties } from "../shared/bus/bus.ts";
import { topicMatches } from "../shared/bus/topic.ts";
import { numberOr, ownHeaders } from "../shared/envelope.ts";
import { header } from "../shared/headers.ts";
import { isRecord } from "../shared/is-record.ts";
import { readIdentity } from "../shared/wechat/identity.ts";

/** What an operator needs to know of a message in the dead-letter queue; never its content. */
export interface DeadLetter {
  service: string;
  key: string;
  reason: string;
  attempts: number;
  error: string;
  /** Epoch ms; undefined for a message that does not say when it died. */
  deadAt: number | undefined;
  identity: string;
  /** The consumer's queue that it was given up in; not there for the dispatcher's own. */
  queue?: string;
}

/** Which dead letters are meant; what is undefined limits nothing. */
export interface DeadFilter {
  service?: string | undefined;
  /** A topic pattern such as `msg.*`. */
  key?: string | undefined;
  reason?: string | undefined;
  identity?: string | undefined;
  /** Milliseconds since its death; a message that does not say when it died is neither older nor newer. */
  olderThan?: number | undefined;
  newerThan?: number | undefined;
}

export function readDeadLetter({ properties, fields }: Pick<ConsumeMessage, "properties" | "fields">): DeadLetter {
  const { messageId = "", type, headers = {} } = properties as Properties;
  const text = (name: string): string => (typeof headers[name] === "string" ? headers[name] : "");
  const told = { queue: text(header.queue), deadAt: numberOr(headers[header.deadAt], 0) };
  const { queue, deadAt } = told.queue === "" && told.deadAt === 0 ? lastRejection(headers["x-death"]) : told;
  return {
    service: text(header.service) || (readIdentity(messageId)?.service ?? ""),
    key: type ?? fields.routingKey,
    reason: text(header.reason),
    attempts: numberOr(headers[header.attempt], 1),
    error: text(header.error),
    deadAt: deadAt > 0 ? deadAt : undefined,
    identity: messageId,
    ...(queue === "" ? {} : { queue }),
  };
}

/** What RabbitMQ wrote when it dead-lettered a message itself, the latest first; where it only waited does not count. */
function lastRejection(deaths: unknown): { queue: string; deadAt: number } {
  const list: unknown[] = Array.isArray(deaths) ? deaths : [];
  const { queue, time } = list.filter(isRecord).find(({ reason }) => reason !== "expired") ?? {};
  return {
    queue: typeof queue === "string" ? queue : "",
    deadAt: isRecord(time) ? numberOr(time["value"], 0) * 1000 : 0, // amqplib's way to write a timestamp
  };
}

export function createDeadFilter(filter: DeadFilter, now: number = Date.now()): (letter: DeadLetter) => boolean {
  const { service, key, reason, identity, olderThan, newerThan } = filter;
  return (letter) => {
    const age = letter.deadAt === undefined ? Number.NaN : now - letter.deadAt;
    return (
      (service === undefined || letter.service === service) &&
      (key === undefined || topicMatches(key, letter.key)) &&
      (reason === undefined || letter.reason === reason) &&
      (identity === undefined || letter.identity === identity) &&
      (olderThan === undefined || age > olderThan) &&
      (newerThan === undefined || age < newerThan)
    );
  };
}

/**
 * The event as it goes back to the queue that it was given up in: same body and identity, first attempt, nobody waiting for a reply
 * any more, nothing left of its death.
 */
export function replayProperties({ properties }: Pick<ConsumeMessage, "properties">): Options.Publish {
  const { contentType, messageId, correlationId, timestamp, type, appId } = properties as Properties;
  const {
    [header.reason]: _reason,
    [header.error]: _error,
    [header.deadAt]: _deadAt,
    [header.queue]: _queue,
    ...headers
  } = ownHeaders(properties as Properties);
  const kept = Object.entries({ contentType, messageId, correlationId, timestamp, type, appId });
  return {
    ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)),
    headers: { ...headers, [header.attempt]: 1, [header.deadline]: Date.now(), [header.budget]: 0 },
    persistent: true,
    mandatory: true,
  };
}
