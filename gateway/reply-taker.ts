import type { Delivery } from "../shared/bus/bus.ts";
import type { Account, Config } from "../shared/config/config.ts";
import { header } from "../shared/headers.ts";
import type { Logger } from "../shared/log.ts";
import type { Metrics } from "../shared/metrics.ts";
import { readReplyBody } from "../shared/reply.ts";
import { readIdentity } from "../shared/wechat/identity.ts";
import type { Once } from "./once.ts";
import type { Replies, ReplyFate } from "./replies.ts";

/**
 * Ends each reply's delivery: one that missed the answer is kept for WeChat's next try when it is data, and goes on to
 * `late-replies` where the account wants it.
 */
export function createReplyTaker(
  config: Config,
  replies: Replies,
  once: Pick<Once, "replyLate">,
  log: Logger,
  metrics: Metrics,
): (delivery: Delivery) => void {
  const accounts = new Map(config.accounts.map((account) => [account.name, account]));
  return (delivery) => {
    const fate = replies.take(delivery);
    if (typeof fate === "string") end(delivery, fate);
    else void fate.then((told) => end(delivery, told));
  };

  function end(delivery: Delivery, fate: ReplyFate): void {
    const { correlationId = "" } = delivery.properties;
    const account = accountOf(delivery);
    if (fate === "late" && account) {
      once.replyLate(correlationId, readReplyBody(delivery.body, { raw: account.isChannelsEc }).reply);
    }
    metrics.replies.inc({ service: account?.name ?? "other", outcome: fate });
    if (fate !== "used") {
      const reason = readIdentity(correlationId) ? undefined : "its correlation_id is not that of an event";
      log[reason ? "warn" : "info"](
        { identity: correlationId, service: account?.name, fate, reason },
        "reply not used",
      );
    }
    if (fate === "late" && account?.lateReply === "customer-service") delivery.reject();
    else delivery.ack();
  }

  /** Consumers need not set the header, and what they set there need not be an account. */
  function accountOf({ properties: { correlationId = "", headers } }: Delivery): Account | undefined {
    const service = headers?.[header.service];
    const named = typeof service === "string" ? accounts.get(service) : undefined;
    return named ?? accounts.get(readIdentity(correlationId)?.service ?? "");
  }
}
