import type { Bus, OutgoingMessage } from "../shared/bus/bus.ts";
import { topicMatches } from "../shared/bus/topic.ts";
import { isDispatched, type Names } from "../shared/bus/topology.ts";
import type { Account } from "../shared/config/config.ts";
import { eventProperties } from "../shared/envelope.ts";
import { isFailure } from "../shared/failure.ts";
import type { Logger } from "../shared/log.ts";
import { readReply, success } from "../shared/reply.ts";
import type { Push } from "../shared/wechat/push.ts";
import type { Answer } from "./once.ts";
import type { Replies, Waited } from "./replies.ts";

export interface ExchangeParts {
  account: Account;
  bus: Bus;
  names: Names;
  replies: Replies;
  /** This gateway's reply queue. */
  replyQueue: string;
  log: Logger;
}

/**
 * Publishes a push and waits for its reply until `deadline` (epoch ms). The answer is there when the push is held and
 * the reply has come, or cannot come any more. Throws `NOT_HELD` or `NACKED` when nobody promises to keep the push.
 */
export type Exchange = (push: Push, deadline: number) => Promise<Answer>;

export function createExchange({ account, bus, names, replies, replyQueue, log }: ExchangeParts): Exchange {
  const waitsFor = createAwaitedKeys(account.reply);

  return async function exchange(push, deadline) {
    if (!waitsFor(push.routingKey)) {
      const held = await hold(eventOf(push, deadline, undefined), deadline);
      return { reply: success, outcome: held === "unrouted" ? held : "unawaited" };
    }
    const waiting = replies.wait(push.identity, deadline);
    try {
      const held = await hold(eventOf(push, deadline, replyQueue), deadline);
      if (held === "unrouted") return { reply: success, outcome: held };
      return answerOf(await waiting.result, push);
    } finally {
      waiting.cancel();
    }
  };

  function eventOf(push: Push, deadline: number, replyTo: string | undefined): OutgoingMessage {
    return {
      exchange: names.eventsOf(account.name),
      routingKey: push.routingKey,
      body: Buffer.from(push.json),
      properties: eventProperties(push, { appId: account.appId, deadline, replyTo }),
    };
  }

  /** Resolves once the push is held: by the queues bound for it, or by `unrouted` when there is none. */
  async function hold(event: OutgoingMessage, deadline: number): Promise<"routed" | "unrouted"> {
    const outcome = await publish(event, deadline).catch((error: unknown) => {
      // one subscriber's full queue refuses for all: the dispatcher at least must get its copy
      if (!isFailure(error, "NACKED") || !isDispatched(account)) throw error;
      log.warn({ identity: event.properties.messageId }, "a subscriber's queue refuses, publishing past it");
      return publish({ ...event, exchange: "", routingKey: names.dispatchOf(account.name) }, deadline);
    });
    if (outcome === "routed") return outcome;
    await publish({ ...event, exchange: "", routingKey: names.unrouted }, deadline);
    return "unrouted";
  }

  function publish(message: OutgoingMessage, deadline: number): Promise<"routed" | "returned"> {
    return bus.publish(message, { timeout: Math.max(deadline - Date.now(), 0), mandatory: true });
  }

  function answerOf(waited: Waited, push: Push): Answer {
    if (waited.kind === "timeout") return { reply: success, outcome: "late" };
    if (waited.kind === "deferred") return { reply: success, outcome: "deferred" };
    const { reply, unusable } = readReply(waited.json, { raw: account.isChannelsEc });
    if (unusable !== undefined) log.warn({ identity: push.identity, reason: unusable }, "reply cannot be used");
    return { reply, outcome: reply.type === "success" ? "silent" : "replied" };
  }
}

const MAX_KEYS = 1000;

/** Tells the routing keys that wait for a reply; worked out once a key, since accounts use few. */
function createAwaitedKeys(patterns: string[]): (routingKey: string) => boolean {
  if (patterns.includes("#")) return () => true;
  const known = new Map<string, boolean>();
  return (routingKey) => {
    let awaited = known.get(routingKey);
    if (awaited === undefined) {
      awaited = patterns.some((pattern) => topicMatches(pattern, routingKey));
      if (known.size < MAX_KEYS) known.set(routingKey, awaited);
    }
    return awaited;
  };
}
