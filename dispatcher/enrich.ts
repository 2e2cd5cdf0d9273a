import { maxUserInfoWait } from "../shared/api/user-info-guard.ts";
import type { Account } from "../shared/config/config.ts";
import { openidIn, type Event } from "../shared/envelope.ts";
import type { Metrics } from "../shared/metrics.ts";
import type { UserInfo, UserInfoAnswer } from "./user-info.ts";

/** A push that is still waited for gives userInfo a third of what is left of its budget. */
const SHARE_OF_BUDGET = 3;
const CLOSING_BRACE = "}".charCodeAt(0);

/**
 * Adds `userInfo` and `userInfoError` to events. The event's own text is kept to the byte: the two are put in front of
 * its closing brace, so that numbers keep every digit.
 */
export function createEnrich(account: Account, userInfo: UserInfo, metrics: Metrics) {
  return async function enrich(event: Event): Promise<Buffer> {
    if (!account.appendUserInfo) return event.body;
    const openid = openidIn(event.body);
    if (openid === "") return event.body;
    if (event.routingKey === "event.subscribe" || event.routingKey === "event.unsubscribe") userInfo.forget(openid);
    const answer = await userInfo.get(openid, waitFor(event));
    if ("error" in answer) metrics.userInfoErrors.inc({ service: account.name });
    return append(event.body, answer);
  };
}

function waitFor({ deadline, replyTo }: Event): number {
  const left = deadline - Date.now();
  return replyTo === undefined || left <= 0 ? maxUserInfoWait : Math.min(maxUserInfoWait, left / SHARE_OF_BUDGET);
}

function append(body: Buffer, answer: UserInfoAnswer): Buffer {
  const info = "text" in answer ? answer.text : "null";
  const error = JSON.stringify("error" in answer ? answer.error : "");
  const end = body.lastIndexOf(CLOSING_BRACE);
  return Buffer.concat([body.subarray(0, end), Buffer.from(`,"userInfo":${info},"userInfoError":${error}}`)]);
}
