import type { Account } from "../config/config.ts";

/** Ends the name of a dispatch queue that keeps users' events in order. */
export const orderedSuffix = ".ordered";

/** First part of every name, unless `amqp.prefix` says another. */
export const defaultPrefix = "wx";

/** Names of the AMQP contract, version 1, below one prefix. */
export function createNames(prefix: string) {
  return {
    prefix,
    events: `${prefix}.events`,
    eventsOf: (service: string) => `${prefix}.events.${service}`,
    enriched: `${prefix}.enriched`,
    enrichedOf: (service: string) => `${prefix}.enriched.${service}`,
    dispatchOf: (service: string) => `${prefix}.dispatch.${service}`,
    orderedOf: (service: string) => `${prefix}.dispatch.${service}${orderedSuffix}`,
    replies: `${prefix}.replies`,
    repliesOf: (instance: string) => `${prefix}.replies.${instance}`,
    lateReplies: `${prefix}.late-replies`,
    retryOf: (delay: string) => `${prefix}.retry.${delay}`,
    isRetry: (queue: string) => queue.startsWith(`${prefix}.retry.`),
    dead: `${prefix}.dead`,
    unrouted: `${prefix}.unrouted`,
  };
}

export type Names = ReturnType<typeof createNames>;

/** Whether the dispatcher works on an account's events: it forwards, echoes, or enriches and fans out. */
export function isDispatched(account: Account): boolean {
  return account.delivery !== "amqp" || account.fanOut;
}

/** The queue of an account's dispatcher: one that any number of processes share, or that one works on in order. */
export function dispatchQueueOf(names: Names, { name, ordering }: Pick<Account, "name" | "ordering">): string {
  return ordering === "user" ? names.orderedOf(name) : names.dispatchOf(name);
}

/** The queue that `dispatchQueueOf` does not choose: it may hold what came before `ordering` was changed. */
export function formerQueueOf(names: Names, { name, ordering }: Pick<Account, "name" | "ordering">): string {
  return ordering === "user" ? names.dispatchOf(name) : names.orderedOf(name);
}
