import type { Event } from "../envelope.ts";
import { looksLikeReply, type Reply } from "../reply.ts";

/** What a handler is told beside the push, and what it can do before it ends. */
export interface Context {
  /** Names the push: the same for every delivery of it, which may come twice. */
  readonly identity: string;
  /** The account's service name. */
  readonly service: string;
  readonly routingKey: string;
  /** 1 for the first delivery, more after failures. */
  readonly attempt: number;
  /** W3C Trace Context. */
  readonly traceparent: string | undefined;
  /** Aborted when the consumer has waited in vain at its close: the delivery then goes back to its queue. */
  readonly signal: AbortSignal;
  /** Milliseconds until a reply is too late for the user, 0 when it is: by the budget or the deadline, what ends first. */
  remaining: () => number;
  /**
   * Replies before the handler ends, and resolves when the reply is confirmed. The first reply counts; what the handler
   * returns afterwards is no reply any more. Does nothing when nobody waits. Rejects with a TypeError what is no reply.
   */
  reply: (reply: Reply | string) => Promise<void>;
}

/** The context of one delivery, and whether it replied. */
export interface OpenContext {
  context: Context;
  /** Resolves when the reply is confirmed, if there is one, and tells whether there is. */
  sent: () => Promise<boolean>;
}

/** `send` publishes a reply and resolves when the broker holds it. */
export function openContext(event: Event, signal: AbortSignal, send: (reply: Reply) => Promise<void>): OpenContext {
  const { identity, service, routingKey, attempt, traceparent } = event;
  let sending: Promise<void> | undefined;
  const context: Context = {
    identity,
    service,
    routingKey,
    attempt,
    traceparent,
    signal,
    remaining: () => Math.max(event.deadline - Date.now(), 0),
    async reply(said) {
      if (!isReply(said)) throw new TypeError('a reply is a text, or an object such as { type: "image", msg: "…" }');
      sending ??= send(typeof said === "string" ? { type: "text", msg: said } : said);
      sending.catch(() => {}); // `sent` tells whoever did not wait for it
      await sending;
    },
  };
  return {
    context,
    async sent() {
      await sending;
      return sending !== undefined;
    },
  };
}

/** Whether a handler, which need not be typed, says something that can be a reply. */
export function isReply(said: unknown): said is Reply | string {
  return typeof said === "string" || looksLikeReply(said);
}
