import type { WechatApis } from "../shared/api/wechat-apis.ts";
import type { Delivery } from "../shared/bus/bus.ts";
import type { Account } from "../shared/config/config.ts";
import { DigestSet, digestOf } from "../shared/digest-set.ts";
import { numberOr } from "../shared/envelope.ts";
import { header } from "../shared/headers.ts";
import type { Logger } from "../shared/log.ts";
import type { Metrics } from "../shared/metrics.ts";
import { readReplyBody } from "../shared/reply.ts";
import { readIdentity } from "../shared/wechat/identity.ts";
import { customerServiceMessage } from "./customer-service.ts";
import { createSendLate, type Ended } from "./send-late.ts";

export interface LateRepliesParts {
  accounts: Account[];
  apis: WechatApis;
  /** Puts a late reply aside for a while; resolves when the broker holds it. */
  postpone: (delivery: Delivery, since: number) => Promise<void>;
  log: Logger;
  metrics: Metrics;
}

/** Pushes whose reply was sent, remembered so that no user reads it twice; 24 bytes each. */
const REMEMBERED = 100_000;
/** Later than this after the push WeChat takes no message, and neither does `late-replies` keep one. */
const WINDOW = 48 * 3_600_000;

interface LateReply {
  identity: string;
  account: Account;
  message: object;
  /** Epoch ms: when it was first tried. */
  since: number;
}

/**
 * Sends replies that missed the answer as customer-service messages, at most one a push, where the account wants that;
 * else they are dropped. The promise it returns ends the delivery and never rejects.
 */
export function createLateReplies({ accounts, apis, postpone, log, metrics }: LateRepliesParts) {
  const byName = new Map(accounts.map((account) => [account.name, account]));
  const sendLate = createSendLate(apis, postpone);
  const sent = new DigestSet(REMEMBERED);
  const underWay = new Set<string>();

  return async function settle(delivery: Delivery): Promise<void> {
    const identity = delivery.properties.correlationId ?? delivery.properties.messageId ?? "";
    const { service, FromUserName } = readIdentity(identity) ?? {};
    const account = byName.get(service ?? "");
    const late = read(delivery, identity, account, FromUserName);
    const ended = "outcome" in late ? end(delivery, late) : await send(delivery, late);
    metrics.lateReplies.inc({ service: account?.name ?? "other", outcome: ended.outcome });
    const level = quiet.has(ended.outcome) && account !== undefined ? "info" : "warn";
    log[level]({ service, identity, key: delivery.properties.type, ...ended }, "late reply");
  };

  /** The reply as it can be sent, or why it is not. */
  function read(
    { properties: { headers = {} }, body }: Delivery,
    identity: string,
    account: Account | undefined,
    FromUserName: string | undefined,
  ): LateReply | Ended {
    if (account === undefined) return dropped("no account of this config has such a service");
    if (account.lateReply === "drop") return dropped("late-reply is drop");
    if (headers[header.deferred] === true) return dropped("it says only that a reply may come");
    if (FromUserName === undefined) return dropped("its identity names no openid");
    const since = numberOr(headers[header.lateSince], Date.now());
    if (Date.now() - since > WINDOW) return { outcome: "expired", reason: "it could not be sent for 48 hours" };
    if (sent.has(digestOf(identity)) || underWay.has(identity)) return { outcome: "duplicate" };
    const { reply, unusable } = readReplyBody(body, { raw: account.isChannelsEc });
    if (unusable !== undefined) return dropped(unusable);
    const message = customerServiceMessage(FromUserName, reply);
    return message ? { identity, account, message, since } : dropped(`a reply of type ${reply.type} says nothing`);
  }

  async function send(delivery: Delivery, { identity, account, message, since }: LateReply): Promise<Ended> {
    underWay.add(identity);
    const ended = await sendLate(delivery, { account, message, since });
    underWay.delete(identity);
    if (ended.outcome !== "retry") sent.add(digestOf(identity));
    return ended;
  }
}

/** Outcomes an operator need not see. */
const quiet = new Set<string>(["sent", "dropped", "duplicate"] satisfies Ended["outcome"][]);

function end(delivery: Delivery, ended: Ended): Ended {
  delivery.ack();
  return ended;
}

function dropped(reason: string): Ended {
  return { outcome: "dropped", reason };
}
