import type { Account } from "../shared/config/config.ts";
import type { Logger } from "../shared/log.ts";
import { keyLabel, type Metrics } from "../shared/metrics.ts";
import type { Push } from "../shared/wechat/push.ts";
import type { Exchange } from "./exchange.ts";
import type { Answer, Once } from "./once.ts";
import type { PushOpener, Query } from "./open-push.ts";
import { renderReply, sealAnswer } from "./render-reply.ts";

/** Cloud hosting (微信云托管) probes a service path with exactly this, unsigned. */
const containerProbe = Buffer.from('{"action":"CheckContainerPath"}');

export interface PushRequest {
  query: Query;
  body: Buffer;
  /** Epoch ms: the reply budget counts from here. */
  arrivedAt: number;
}

export interface PushHandlerParts {
  account: Account;
  opener: PushOpener;
  exchange: Exchange;
  once: Once;
  log: Logger;
  metrics: Metrics;
}

/** Answers one push: verify, decrypt, parse, publish, await the reply, render, seal. Throws a `Failure` instead. */
export type PushHandler = (request: PushRequest) => Promise<string>;

export function createPushHandler({ account, opener, exchange, once, log, metrics }: PushHandlerParts): PushHandler {
  return async function answerPush({ query, body, arrivedAt }) {
    if (body.equals(containerProbe)) return "success";
    const { push, seal } = opener.open(query, body);
    const deadline = arrivedAt + account.replyBudget;
    metrics.inFlight.inc();
    try {
      const { answer, isRepeat } = await once.share(push.identity, () => exchange(push, deadline));
      const { text, unusable } = renderReply(answer.reply, push);
      record(push, answer, isRepeat, arrivedAt, unusable);
      return sealAnswer(text, seal);
    } catch (error) {
      recordFailure(push, error, arrivedAt);
      throw error;
    } finally {
      metrics.inFlight.dec();
    }
  };

  function record(push: Push, answer: Answer, isRepeat: boolean, arrivedAt: number, unusable?: string): void {
    const ms = Date.now() - arrivedAt;
    const outcome = isRepeat ? "repeat" : answer.outcome;
    metrics.pushes.inc({ service: account.name, key: keyLabel(push.routingKey), outcome });
    metrics.pushSeconds.observe({ service: account.name }, ms / 1000);
    if (unusable !== undefined) metrics.replies.inc({ service: account.name, outcome: "unusable" });
    log.info(
      { identity: push.identity, key: push.routingKey, outcome, reply: answer.reply.type, reason: unusable, ms },
      "push",
    );
  }

  function recordFailure(push: Push, error: unknown, arrivedAt: number): void {
    const reason = error instanceof Error ? error.message : String(error);
    const ms = Date.now() - arrivedAt;
    metrics.pushes.inc({ service: account.name, key: keyLabel(push.routingKey), outcome: "not-held" });
    log.error({ identity: push.identity, key: push.routingKey, outcome: "not-held", reason, ms }, "push");
  }
}
