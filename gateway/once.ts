import { digestOf, type Digest } from "../shared/digest-set.ts";
import { PassingMap } from "../shared/passing-map.ts";
import { success, type Reply } from "../shared/reply.ts";
import type { Published } from "./published.ts";
import { RecentAnswers } from "./recent-answers.ts";

const MiB = 1024 * 1024;
const allAnswers = { keptFor: 60, maxBytes: 64 * MiB };
/** As long as a push is known with `data-dir`. */
const dataAnswers = { keptFor: 6 * 3600, maxBytes: 16 * MiB };

/**
 * How a push was answered. replied: with the backend's reply; silent: the backend had nothing to say; late: no reply
 * inside the budget; deferred: told that none can come in time; unawaited: its key waits for none; unrouted: nobody
 * was bound for it; spooled: on disk until the broker is back; repeat: WeChat pushed again what was answered before.
 */
export type Outcome = "replied" | "silent" | "late" | "deferred" | "unawaited" | "unrouted" | "spooled" | "repeat";

export interface Answer {
  reply: Reply;
  outcome: Outcome;
  /** Why the reply that came could not be used. */
  unusable?: string;
}

/** Lets WeChat's tries of one push share one publication and one reply. */
export interface Once {
  /**
   * The answer to a push: of the try under way, of one answered in the last 60 s, or of `start`. A push published
   * before is not started again. A failed start is forgotten, so that the next try starts anew.
   */
  share(identity: string, start: () => Promise<Answer>): Promise<{ answer: Answer; isRepeat: boolean }>;
  /**
   * Takes a reply that came when the push had been answered. WeChat is content with any answer to most kinds, but asks for
   * data (`raw`) on and on, for hours (虚拟支付, xpay_goods_deliver_notify): its next try gets them. Others are ignored.
   */
  replyLate(identity: string, reply: Reply): void;
  /** Whether the user has got a reply to this push; of one whose answer is under way it is told when that is there. */
  wasReplied(identity: string): boolean | Promise<boolean>;
}

/** `replied` remembers whose users have got a reply for longer than the answers are there. */
export function createOnce(published: Pick<Published, "has" | "add">, replied?: Pick<Published, "has" | "add">): Once {
  const underWay = new PassingMap<string, Promise<Answer>>();
  const answered = new RecentAnswers(allAnswers);
  const data = new RecentAnswers(dataAnswers);

  function known(identity: string, digest: Digest): Answer | Promise<Answer> | undefined {
    // First: a push under way may be known as published by then, from another gateway's folder.
    const starting = underWay.get(identity);
    if (starting !== undefined || !published.has(digest)) return starting;
    return data.get(digest) ?? answered.get(digest) ?? { reply: success, outcome: "repeat" };
  }

  return {
    async share(identity, start) {
      const digest = digestOf(identity);
      const shared = known(identity, digest);
      if (shared !== undefined) return { answer: await shared, isRepeat: true };
      const starting = start();
      underWay.set(identity, starting);
      try {
        const answer = await starting;
        answered.set(digest, answer);
        if (isReplied(answer)) replied?.add(digest);
        if (answer.reply.type === "raw") data.set(digest, answer);
        published.add(digest);
        return { answer, isRepeat: false };
      } finally {
        underWay.delete(identity);
      }
    },
    replyLate(identity, reply) {
      const digest = digestOf(identity);
      if (reply.type === "raw" && data.get(digest) === undefined) data.set(digest, { reply, outcome: "replied" });
    },
    wasReplied(identity) {
      // Its first reply may be here before the broker has confirmed the push, and a second one right behind it.
      const starting = underWay.get(identity);
      if (starting !== undefined) return starting.then(isReplied, () => false);
      const digest = digestOf(identity);
      return (replied?.has(digest) ?? false) || isReplied(answered.get(digest));
    },
  };
}

function isReplied(answer: Answer | undefined): boolean {
  return answer?.outcome === "replied";
}
