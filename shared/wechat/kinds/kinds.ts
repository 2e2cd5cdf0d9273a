import type { Static } from "typebox";
import { accountEvents } from "./account-events.ts";
import { cardEvents } from "./card-events.ts";
import { infos } from "./infos.ts";
import { jobEvents } from "./job-events.ts";
import { messages } from "./messages.ts";
import { miniProgramEvents } from "./mini-program-events.ts";
import { paymentEvents } from "./payment-events.ts";
import { storeEvents } from "./store-events.ts";
import { tradeEvents } from "./trade-events.ts";
import type { Appended } from "./user-info.ts";

/** Chapters of the table, as documents show them. Stores push JSON; all others XML, or JSON when the account says so. */
export const chapters = {
  "Messages (接收普通消息)": messages,
  "Events of an account and its menu (接收事件推送)": accountEvents,
  "What became of what was sent (群发, 模板消息, 发布, 订阅通知)": jobEvents,
  "Cards (卡券)": cardEvents,
  小程序: miniProgramEvents,
  "Trade of a 小程序 (发货信息管理, 小店的合作账号与会员)": tradeEvents,
  "Virtual payment (虚拟支付) of 小程序 and 小游戏": paymentEvents,
  "Stores (视频号小店, 微信小店; JSON only)": storeEvents,
  "Third-party platforms (第三方平台; XML only)": infos,
} as const;

/**
 * The kinds of push that are known by name, by routing key. Parsing, TypeScript's types, JSON Schemas and documents are
 * made from it. Kinds that are missing pass all the same, with what WeChat sent.
 */
export const kinds = {
  ...messages,
  ...accountEvents,
  ...jobEvents,
  ...cardEvents,
  ...miniProgramEvents,
  ...tradeEvents,
  ...paymentEvents,
  ...storeEvents,
  ...infos,
};

/** Kinds whose name is not the word in their routing key. */
export const namesUnlikeKeys: Partial<Record<EventKey, string>> = {
  "event.complaint_callback": "complaint callback",
};

/** The routing key of a kind that is known by name. */
export type EventKey = keyof typeof kinds;

/** An event of any other kind: WeChat's elements and nothing else is known of them. */
export type OtherEvent = { [name: string]: unknown } & Appended;

/**
 * The body of events with routing key `K`, as consumers and backends get it: `EventOf<"msg.text">`. Exact for pushes in
 * XML. An account that is set to JSON gets what WeChat wrote: the same names, but ids may be numbers.
 */
export type EventOf<K extends string> = K extends EventKey ? Static<(typeof kinds)[K]> & Appended : OtherEvent;

/** Whether this kind of push is known by name. Others pass all the same. */
export function knownKey(routingKey: string): routingKey is EventKey {
  return Object.hasOwn(kinds, routingKey);
}
