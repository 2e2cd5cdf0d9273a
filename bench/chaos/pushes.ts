import { createHash } from "node:crypto";
import { account } from "./account.ts";

/** A push and the identity that the contract gives it. */
export interface ChaosPush {
  body: string;
  identity: string;
}

const USERS = 1000;

/** Push `index` of a run, sent first at `createTime` (seconds); the backend knows it again by `markOf`. */
export function makePush(index: number, createTime: number): ChaosPush {
  const openid = `oChaos${String(index % USERS).padStart(22, "0")}`;
  const kind = index % 10;
  if (kind < 6) return message(index, openid, createTime, "text", `<Content><![CDATA[${markOf(index)}]]></Content>`);
  if (kind === 6) {
    const image = `<PicUrl><![CDATA[http://127.0.0.1/${markOf(index)}]]></PicUrl><MediaId><![CDATA[m]]></MediaId>`;
    return message(index, openid, createTime, "image", image);
  }
  return kind === 9 ? storeEvent(index, openid, createTime) : event(index, openid, createTime, eventOf(kind));
}

/** Stands in a push's body and so in the request that the backend gets. */
export function markOf(index: number): string {
  return `chaos-${index}-push`;
}

/** The push whose mark stands in a text; undefined when there is none. */
export function indexIn(text: string): number | undefined {
  const found = /chaos-(\d+)-push/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

function eventOf(kind: number): string {
  return kind === 7 ? "CLICK" : "SCAN";
}

function message(index: number, openid: string, createTime: number, type: string, fields: string): ChaosPush {
  const msgId = `2${String(index).padStart(17, "0")}`;
  const body = `${head(openid, createTime, type)}${fields}<MsgId>${msgId}</MsgId></xml>`;
  return { body, identity: `${account.service}/${openid}/${msgId}` };
}

function event(index: number, openid: string, createTime: number, name: string): ChaosPush {
  const fields = `<Event><![CDATA[${name}]]></Event><EventKey><![CDATA[${markOf(index)}]]></EventKey>`;
  const body = `${head(openid, createTime, "event")}${fields}</xml>`;
  return { body, identity: eventIdentity(openid, createTime, name, body) };
}

/** A store's events are JSON, and hold numbers that a double cannot. */
function storeEvent(index: number, openid: string, createTime: number): ChaosPush {
  const name = "channels_ec_order_pay";
  const order = `{"order_id":37051150584712${String(index).padStart(6, "0")},"remark":"${markOf(index)}"}`;
  const body =
    `{"ToUserName":"${account.id}","FromUserName":"${openid}","CreateTime":${createTime},` +
    `"MsgType":"event","Event":"${name}","order_info":${order}}`;
  return { body, identity: eventIdentity(openid, createTime, name, body) };
}

function head(openid: string, createTime: number, type: string): string {
  return (
    `<xml><ToUserName><![CDATA[${account.id}]]></ToUserName><FromUserName><![CDATA[${openid}]]></FromUserName>` +
    `<CreateTime>${createTime}</CreateTime><MsgType><![CDATA[${type}]]></MsgType>`
  );
}

function eventIdentity(openid: string, createTime: number, name: string, body: string): string {
  const digest = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return `${account.service}/${openid}/${createTime}.${name}.${digest}`;
}
