import { setTimeout as sleep } from "node:timers/promises";
import type { Bus, Delivery, OutgoingMessage } from "./bus/bus.ts";
import { throwIfGone } from "./bus/gone.ts";
import { isUncarriable } from "./bus/uncarriable.ts";
import { Failure, isFailure } from "./failure.ts";
import { header } from "./headers.ts";
import type { Logger } from "./log.ts";

const PUBLISH_TIMEOUT = 10_000;
const LONGEST_PAUSE = 10_000;
/** Longer than the pause and the publish that may lie between two lines of one message, in ms. */
const TOLD_FOR = LONGEST_PAUSE + PUBLISH_TIMEOUT + 1000;

export interface UntilHeldOptions {
  /**
   * The delivery whose place it takes, and which may be acked only then: it has to reach a queue, as a confirm alone does
   * not say, and once that delivery is gone nothing more is published.
   */
  inPlaceOf?: Pick<Delivery, "isGone">;
  /** Whether it may be lost when its broker dies. Default false. */
  transient?: boolean;
  /** Tries after which a broker that refuses is left alone, and so is what AMQP cannot carry. Default: no limit. */
  tries?: number;
  /** Called when the broker has confirmed it and no queue was bound for it. Without, that is not told. */
  onReturned?: () => void;
}

/**
 * Publishes until the broker holds the message, however long that takes. Rejects when `signal` ends the waiting: the
 * delivery that called for it then goes back to its queue; with `NACKED` after so many `tries`; and with `NOT_HELD` when
 * the delivery whose place it takes is gone.
 */
export type PublishUntilHeld = (message: OutgoingMessage, options?: UntilHeldOptions) => Promise<void>;

export function createPublishUntilHeld(bus: Bus, log: Logger, signal: AbortSignal): PublishUntilHeld {
  const tell = createTeller(log);
  return async function publishUntilHeld(given, { inPlaceOf, transient = false, tries, onReturned } = {}) {
    const mandatory = inPlaceOf !== undefined || onReturned !== undefined;
    const options = { timeout: PUBLISH_TIMEOUT, mandatory, transient, tries, source: inPlaceOf, endsDelivery: true };
    const own = Symbol("lines");
    let message = given;
    for (let pause = 100; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      signal.throwIfAborted();
      try {
        if ((await bus.publish(message, options)) === "routed") return;
        if (onReturned !== undefined) return onReturned();
        throw new Failure("NOT_HELD", "no queue is bound for it");
      } catch (error) {
        throwIfGone(inPlaceOf);
        const isPlainest = message !== given;
        if (tries !== undefined && isFailure(error, "NACKED") && (isPlainest || !isUncarriable(error))) throw error;
        tell(own, message, error as Error);
        if (isUncarriable(error)) message = withoutForeign(message);
        await sleep(pause, undefined, { signal });
      }
    }
  };
}

/** Places and reasons that are kept: a few for each exchange and queue. */
const MAX_TOLD = 1000;

/**
 * Where a queue is full, all that are to go there are tried again and again: one of them (`who`) has its lines, and
 * another one when that has had none for a while. What is wrong with one message alone is told of each.
 */
function createTeller(log: Logger): (who: symbol, message: OutgoingMessage, error: Error) => void {
  const told = new Map<string, { who: symbol; at: number }>();

  return (who, { exchange, routingKey, properties }, error) => {
    const reason = error.message;
    const what = `${exchange}\0${routingKey}\0${reason}`;
    const last = told.get(what);
    const isTold = last && last.who !== who && performance.now() - last.at < TOLD_FOR;
    if (isTold && !isUncarriable(error)) return;
    if (told.size >= MAX_TOLD) told.clear();
    told.set(what, { who, at: performance.now() });
    log.warn({ identity: properties.messageId, exchange, routingKey, reason }, "not held yet, publishing again");
  };
}

const contractHeaders = new Set<string>(Object.values(header));
const MAX_HEADER = 1000;
/** In bytes; what came as 255 bytes that are no UTF-8 has become three times as many. */
const MAX_TEXT = 255;

function withoutForeign({ properties, ...message }: OutgoingMessage): OutgoingMessage {
  const { timestamp: _, headers = {}, ...given } = properties;
  const own = Object.entries(headers).filter(([name, value]) => contractHeaders.has(name) && isPlain(value));
  const texts = Object.entries(given).filter(([, value]) => Buffer.byteLength(value) <= MAX_TEXT);
  return { ...message, properties: { ...Object.fromEntries(texts), headers: Object.fromEntries(own) } };
}

/** Numbers of the contract are whole and small; amqplib writes none below -2^63. */
function isPlain(value: unknown): boolean {
  if (typeof value === "string") return value.length <= MAX_HEADER;
  return typeof value === "boolean" || Number.isSafeInteger(value);
}
