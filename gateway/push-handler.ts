import type { Account } from "../shared/config/config.ts";
import { isFailure } from "../shared/failure.ts";
import type { Logger } from "../shared/log.ts";
import { keyLabel, type Metrics } from "../shared/metrics.ts";
import { afterTurn } from "../shared/turn.ts";
import type { Push } from "../shared/wechat/push.ts";
import type { Answer } from "./once.ts";
import type { PushOpener, Query } from "./open-push.ts";
import { renderReply, sealAnswer } from "./render-reply.ts";
import type { AnswerTry, Arrival } from "./tries.ts";

/** Cloud hosting (微信云托管) probes a service path with exactly this, unsigned. */
export const containerProbe = Buffer.from('{"action":"CheckContainerPath"}');

/** `arrivedAt` is where the reply budget counts from. */
export interface PushRequest extends Arrival {
  query: Query;
  body: Buffer;
}

export interface PushHandlerParts {
  account: Account;
  opener: PushOpener;
  answerTry: AnswerTry;
  log: Logger;
  metrics: Metrics;
}

/**
 * Answers one push: verify, decrypt, parse, publish, await the reply, render, seal. Throws a `Failure` instead;
 * undefined means: close the connection without a byte.
 */
export type PushHandler = (request: PushRequest) => Promise<string | undefined>;

export function createPushHandler({ account, opener, answerTry, log, metrics }: PushHandlerParts): PushHandler {
  return async function answerPush(request) {
    const { query, body, arrivedAt } = request;
    if (body.equals(containerProbe)) return "success";
    const { push, seal } = opener.open(query, body);
    metrics.inFlight.count++;
    try {
      const shared = await answerTry(push, request);
      if (shared === "hang-up") {
        record(push, shared, arrivedAt);
        return undefined;
      }
      const { answer, isRepeat } = shared;
      const text = renderReply(answer.reply, push);
      record(push, isRepeat ? "repeat" : answer.outcome, arrivedAt, answer);
      return sealAnswer(text, seal);
    } catch (error) {
      recordFailure(push, error, arrivedAt);
      throw error;
    } finally {
      metrics.inFlight.count--;
    }
  };

  function record(push: Push, outcome: string, arrivedAt: number, answer?: Answer): void {
    const unusable = answer?.unusable;
    const ms = Date.now() - arrivedAt;
    afterTurn(() => {
      metrics.pushes.inc({ service: account.name, key: keyLabel(push.routingKey), outcome });
      metrics.pushSeconds.observe({ service: account.name }, ms / 1000);
      if (unusable !== undefined) metrics.replies.inc({ service: account.name, outcome: "unusable" });
      log[unusable === undefined ? "info" : "warn"](
        { identity: push.identity, key: push.routingKey, outcome, reply: answer?.reply.type, reason: unusable, ms },
        "push",
      );
    });
  }

  function recordFailure(push: Push, error: unknown, arrivedAt: number): void {
    const reason = isFailure(error) ? error.message : "unforeseen"; // whose words may quote the content
    const ms = Date.now() - arrivedAt;
    metrics.pushes.inc({ service: account.name, key: keyLabel(push.routingKey), outcome: "not-held" });
    log.error({ identity: push.identity, key: push.routingKey, outcome: "not-held", reason, ms }, "push");
  }
}
