import type { Bus, Delivery } from "../shared/bus/bus.ts";
import { createRefusals } from "../shared/bus/refusals.ts";
import type { Names } from "../shared/bus/names.ts";
import { lateRetry } from "../shared/bus/bridge-topology.ts";
import type { Account, RetryDelay } from "../shared/config/config.ts";
import { budgetLeft, type Event } from "../shared/envelope.ts";
import { copyOf, deadCopy, retryCopy } from "../shared/event-copies.ts";
import { isFailure } from "../shared/failure.ts";
import { header, type DeadReason } from "../shared/headers.ts";
import type { Logger } from "../shared/log.ts";
import { createPublishReply } from "../shared/publish-reply.ts";
import { createPublishUntilHeld } from "../shared/publish-until-held.ts";
import { success, type Reply } from "../shared/reply.ts";

/**
 * What the dispatcher publishes. Every call resolves when the broker holds the message, however long that takes; those for
 * copies that take a delivery's place reject once that is gone, as it comes again.
 */
export interface Outbox {
  reply(event: Event, reply: Reply): Promise<void>;
  /** Lets the gateway answer `success` now: no reply can make the deadline. */
  defer(event: Event): Promise<void>;
  retry(delivery: Delivery, event: Event, rung: { delay: RetryDelay; attempt: number; error: string }): Promise<void>;
  dead(delivery: Delivery, event: Event, reason: DeadReason, error: string): Promise<void>;
  /**
   * A subscriber whose queue goes on refusing is left without its copy: the others have theirs by then. Tells whether
   * there is a subscriber and none was left out.
   */
  enriched(delivery: Delivery, event: Event, body: Buffer): Promise<boolean>;
  /** Keeps the event where the gateway keeps what no queue was bound for. */
  unrouted(delivery: Delivery, event: Event): Promise<void>;
  /** Puts a late reply aside for 10 s, which has to be off its queue for good; `since` (epoch ms) bounds how often. */
  postpone(delivery: Delivery, since: number): Promise<void>;
}

export interface OutboxParts {
  accounts: readonly Account[];
  bus: Bus;
  names: Names;
  log: Logger;
  /** Ends the waiting at shutdown: the delivery then goes back to its queue. */
  signal: AbortSignal;
}

export function createOutbox({ accounts, bus, names, log, signal }: OutboxParts): Outbox {
  const withTransientReplies = new Set(accounts.filter(hasTransientReplies).map(({ name }) => name));
  const publish = createPublishUntilHeld(bus, log, signal);
  const publishReply = createPublishReply(publish, names);
  const refusals = createRefusals();
  const isTransient = ({ service }: Event): boolean => withTransientReplies.has(service);

  return {
    reply: (event, reply) => publishReply(event, reply, { transient: isTransient(event) }),
    defer: (event) => publishReply(event, success, { transient: isTransient(event), deferred: true }),
    retry: (delivery, event, { delay, attempt, error }) => {
      const to = { exchange: names.retryOf(delay.name), routingKey: names.dispatchOf(event.service) };
      return publish(retryCopy(to, delivery, event, { attempt, error }), { inPlaceOf: delivery });
    },
    dead: (delivery, event, reason, error) => {
      const to = { exchange: "", routingKey: names.dead };
      return publish(deadCopy(to, delivery, event, { reason, error }), { inPlaceOf: delivery });
    },
    async enriched(delivery, event, body) {
      const to = { exchange: names.enrichedOf(event.service), routingKey: event.routingKey };
      const message = { ...copyOf(to, delivery, event, { [header.budget]: budgetLeft(event.deadline) }), body };
      let hasSubscriber = true;
      try {
        await publish(message, { tries: refusals.tries(to.exchange), onReturned: () => (hasSubscriber = false) });
        return hasSubscriber;
      } catch (error) {
        if (!isFailure(error, "NACKED")) throw error;
        refusals.happened(to.exchange);
        const { identity, service } = event;
        log.warn({ identity, service, exchange: to.exchange }, "a subscriber's queue refuses, going on without it");
        return false;
      }
    },
    unrouted: (delivery, event) => {
      const to = { exchange: "", routingKey: names.unrouted };
      return publish(copyOf(to, delivery, event, {}), { inPlaceOf: delivery });
    },
    postpone: (delivery, since) => {
      const to = { exchange: names.retryOf(lateRetry.name), routingKey: names.lateReplies };
      const key = { routingKey: delivery.properties.type ?? "", replyTo: undefined };
      return publish(copyOf(to, delivery, key, { [header.lateSince]: since }), { inPlaceOf: takenOff });
    },
  };
}

/** A delivery that was acked comes to nobody again: its copy is all there is, also when its connection is lost. */
const takenOff = { isGone: () => false };

/**
 * Replies that are dropped when they come late need not survive their broker, which is hardly back before the answer is
 * due. Writing them to disk would cost it a quarter more for each push.
 */
function hasTransientReplies({ lateReply, replyWindow }: Account): boolean {
  return lateReply === "drop" && replyWindow === "first";
}
