import { ApiFailure, describeFailure } from "../shared/api/api-failure.ts";
import type { WechatApis } from "../shared/api/wechat-apis.ts";
import type { Delivery } from "../shared/bus/bus.ts";
import type { Account } from "../shared/config/config.ts";
import { isFailure } from "../shared/failure.ts";
import { createMemo } from "../shared/memo.ts";
import { createBreaker } from "./breaker.ts";

const PATH = "/cgi-bin/message/custom/send";
/** Less than a shutdown waits for what is under way. */
const TIMEOUT = 7000;
/** 回复时间超过限制: the user's last message is too long ago. */
const OUT_OF_WINDOW = 45015;
/** "api minute-quota reach limit, must slower, retry next minute". */
const MINUTE_QUOTA = 45011;

/** Every `outcome` of `Ended`. */
export const lateOutcomes = ["sent", "refused", "expired", "unanswered", "retry", "dropped", "duplicate"] as const;

/**
 * What became of a late reply. sent: WeChat took it; refused: WeChat answered with an errcode; expired: WeChat's time
 * for messages to this user is over; unanswered: it left and nothing came back; retry: nothing left, or WeChat did
 * nothing with it: it waits for another try; dropped: it says nothing, or nobody wants it; duplicate: this push has had
 * its reply.
 */
export interface Ended {
  outcome: (typeof lateOutcomes)[number];
  reason?: string;
  errcode?: number;
  advice?: string;
}

type Details = Omit<Ended, "outcome">;

export interface Sendable {
  account: Account;
  message: object;
  since: number;
}

/**
 * Sends one customer-service message and ends its delivery; never rejects. The delivery is taken off its queue for good
 * before the request leaves: a process or a connection that dies in between costs the reply, but never sends it twice.
 * Without a token or a connection, and when WeChat wants fewer calls in a minute, it is put aside and tried again; once
 * WeChat has said so 5 times in a row, all of the account are, but for one call every 10 s.
 */
export function createSendLate(apis: WechatApis, postpone: (delivery: Delivery, since: number) => Promise<void>) {
  const breakerOf = createMemo(Infinity, () => createBreaker());

  return async function sendLate(delivery: Delivery, { account, message, since }: Sendable): Promise<Ended> {
    let isOurs = false;
    let hasLeft = false;
    const takeOff = async (): Promise<void> => {
      if (!isOurs) await delivery.acked();
      isOurs = true;
    };
    const onSend = (): void => void (hasLeft = true);
    const onTokenRefused = (): void => void (hasLeft = false);
    const steps = { beforeSend: takeOff, onSend, onTokenRefused };
    const putAside = (details: Details) => putBack(takeOff, () => postpone(delivery, since), details);
    const breaker = breakerOf(account.name);
    if (!breaker.admit()) return putAside({ reason: `WeChat wants fewer calls in a minute (${MINUTE_QUOTA})` });
    try {
      await apis.of(account).call(PATH, { body: message, timeout: TIMEOUT, ...steps });
      breaker.report(true);
      return { outcome: "sent" };
    } catch (error) {
      breaker.report(!isUndone(error));
      const described = describeFailure(error);
      if (hasLeft && !isUndone(error)) return { outcome: outcomeOf(error), ...described };
      if (isFailure(error, "CONFIG_INVALID")) return endRefused(delivery, described.reason);
      return putAside(described);
    }
  };
}

/** Without the certainty that it is off its queue nothing is put back either: it comes again by itself. */
async function putBack(takeOff: () => Promise<void>, postpone: () => Promise<void>, details: Details): Promise<Ended> {
  try {
    await takeOff();
  } catch {
    return { outcome: "retry", ...details };
  }
  try {
    await postpone();
    return { outcome: "retry", ...details };
  } catch {
    return { outcome: "dropped", reason: "stopped before the broker took it back" };
  }
}

function endRefused(delivery: Delivery, reason: string): Ended {
  delivery.ack();
  return { outcome: "refused", reason };
}

/** One call too many in a minute does nothing: it may be made again. */
function isUndone(error: unknown): boolean {
  return error instanceof ApiFailure && error.errcode === MINUTE_QUOTA;
}

function outcomeOf(error: unknown): Ended["outcome"] {
  if (!(error instanceof ApiFailure)) return "unanswered";
  return error.errcode === OUT_OF_WINDOW ? "expired" : "refused";
}
