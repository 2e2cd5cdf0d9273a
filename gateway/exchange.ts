import { topicMatches } from "../shared/bus/topic.ts";
import type { Names } from "../shared/bus/names.ts";
import type { Account } from "../shared/config/config.ts";
import { eventProperties } from "../shared/envelope.ts";
import { createMemo } from "../shared/memo.ts";
import { readReplyBody, success, type Reply } from "../shared/reply.ts";
import type { Push } from "../shared/wechat/push.ts";
import type { Hold } from "./hold.ts";
import type { Answer } from "./once.ts";
import type { Replies, Waited } from "./replies.ts";
import { spoolUser, type Spooled } from "./spool-table.ts";

export interface ExchangeParts {
  account: Account;
  names: Names;
  replies: Replies;
  /** Where replies to this gateway go. */
  replyQueue: { readonly name: string };
  hold: Hold;
}

/** How long an exchange may take; times are epoch ms. */
export interface Limits {
  /** The push must be held by then. */
  holdBy: number;
  /** The reply must be there by then. */
  deadline: number;
  /** Ends the wait for the reply before its deadline. */
  giveUp?: AbortSignal;
}

/**
 * Publishes a push and waits for its reply. The answer is there when the push is held and
 * the reply has come, or cannot come any more. Throws `NOT_HELD` or `NACKED` when nobody promises to keep the push.
 */
export type Exchange = (push: Push, limits: Limits) => Promise<Answer>;

export function createExchange({ account, names, replies, replyQueue, hold }: ExchangeParts): Exchange {
  const waitsFor = createAwaitedKeys(account.reply);
  // Where late replies are dropped: one that came while this process was held up is for WeChat's next try, else nobody's.
  const waiter = { readsFirst: account.lateReply === "drop" };

  return async function exchange(push, { holdBy, deadline, giveUp }) {
    if (!waitsFor(push.routingKey)) {
      const held = await hold(eventOf(push, deadline, undefined), holdBy);
      return { reply: success, outcome: held === "routed" ? "unawaited" : held };
    }
    const waiting = replies.wait(push.identity, deadline, waiter);
    giveUp?.addEventListener("abort", () => waiting.cancel());
    try {
      const held = await hold(eventOf(push, deadline, replyQueue.name), holdBy);
      if (held !== "routed") waiting.cancel();
      const waited = await waiting.result;
      // The reply may be here though the confirm is not: one queue that is silent keeps it from all that have their copy.
      if (held !== "routed" && waited.kind !== "reply") return { reply: success, outcome: held };
      return answerOf(push, waited);
    } finally {
      waiting.cancel();
    }
  };

  function eventOf(push: Push, deadline: number, replyTo: string | undefined): Spooled {
    return {
      service: account.name,
      user: spoolUser(account.name, push.FromUserName),
      message: {
        exchange: names.eventsOf(account.name),
        routingKey: push.routingKey,
        body: Buffer.from(push.json),
        properties: eventProperties(push, { appId: account.appId, deadline, replyTo }),
      },
    };
  }

  function answerOf({ routingKey }: Push, waited: Waited): Answer {
    if (waited.kind === "timeout") return { reply: success, outcome: "late" };
    if (waited.kind === "deferred") return { reply: success, outcome: "deferred" };
    const { reply, unusable = misfitOf(reply, routingKey) } = readReplyBody(waited.body, { raw: account.isChannelsEc });
    if (unusable !== undefined) return { reply: success, outcome: "silent", unusable };
    return { reply, outcome: reply.type === "success" ? "silent" : "replied" };
  }
}

/** Why a reply answers no push of this key. */
function misfitOf({ type }: Reply, routingKey: string): string | undefined {
  if (type !== "transfer_customer_service" || routingKey.startsWith("msg.")) return undefined;
  return "transfer_customer_service answers messages only, not events";
}

const MAX_KEYS = 1000;

/** Tells the routing keys that wait for a reply; worked out once a key, since accounts use few. */
function createAwaitedKeys(patterns: string[]): (routingKey: string) => boolean {
  return createMemo(MAX_KEYS, (routingKey) => patterns.some((pattern) => topicMatches(pattern, routingKey)));
}
