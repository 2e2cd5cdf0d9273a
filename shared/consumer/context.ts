import type { Event } from "../envelope.ts";
import type { Reply } from "../reply.ts";

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
   * returns afterwards is no reply any more. Does nothing when nobody waits.
   */
  reply: (reply: Reply | string) => Promise<void>;
}

/** The context of one delivery, and a promise of what it replied. */
export interface OpenContext {
  context: Context;
  /** Resolves when every reply is confirmed. */
  sent: () => Promise<void>;
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
    reply: (reply) => {
      sending ??= send(typeof reply === "string" ? { type: "text", msg: reply } : reply);
      sending.catch(() => {}); // `sent` tells whoever did not wait for it
      return sending;
    },
  };
  return { context, sent: async () => sending };
}
