import type { RecordedRequest } from "./http-answer.ts";
import { isRecord } from "./json-record.ts";
import { createSnsApi } from "./wechat-api-sns.ts";
import type { AccessTokens } from "./wechat-api-tokens.ts";

/** What a test may know of the platform. */
export interface PlatformOptions {
  /** AppID to AppSecret; without it every AppID with any secret is good. */
  accounts?: Readonly<Record<string, string>>;
  /** What getcallbackip lists; default 127.0.0.1. */
  ipList?: readonly string[];
  /** Fields by openid that user/info answers instead of the usual ones. */
  users?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Answers one endpoint with what becomes its JSON. */
export type Route = (call: RecordedRequest) => object;

const ok = { errcode: 0, errmsg: "ok" };
const qrTicket = "gQH47joAAAAAAAAA+SxodHRwOi8vd2VpeGluLnFxLmNvbS9x/2taZ2Z3TVRtNzJXV1Brb3ZhYmJJAAIEZ23sUwMEmm3sUw==";

/** The platform's endpoints by `METHOD /path`, each with its own checks. */
export function createRoutes(tokens: AccessTokens, options: PlatformOptions): ReadonlyMap<string, Route> {
  const sns = createSnsApi();
  const guarded =
    (route: Route): Route =>
    (call) =>
      tokens.check(call.query["access_token"]) ?? route(call);
  const guardedRoutes: Record<string, Route> = {
    "GET /cgi-bin/user/info": (call) => userInfo(call.query["openid"], options),
    "GET /cgi-bin/getcallbackip": () => ({ ip_list: options.ipList ?? ["127.0.0.1"] }),
    "GET /cgi-bin/ticket/getticket": () => ({
      ...ok,
      ticket: "JSAPI_TICKET-0-HoagFKDcsGMVCIY2vOjf9j",
      expires_in: 7200,
    }),
    ...postRoutes,
  };
  return new Map<string, Route>([
    ...Object.entries(guardedRoutes).map(([name, route]) => [name, guarded(route)] as const),
    ["GET /cgi-bin/token", ({ query }) => refuseCredential(query, options) ?? tokens.renew(query["appid"] ?? "")],
    ["POST /cgi-bin/stable_token", (call) => stableToken(fieldsOf(call), tokens, options)],
    ["GET /sns/oauth2/access_token", ({ query }) => refuseAccount(query, options) ?? sns.exchangeCode(query)],
    ["GET /sns/userinfo", ({ query }) => sns.userInfo(query)],
  ]);
}

const postRoutes: Record<string, Route> = {
  "POST /cgi-bin/message/custom/send": withBody(() => ok),
  "POST /cgi-bin/message/template/send": withBody(() => ({ ...ok, msgid: 200_228_332 })),
  "POST /cgi-bin/qrcode/create": withBody(({ action_name, expire_seconds }) => ({
    ticket: qrTicket,
    ...(String(action_name).startsWith("QR_LIMIT_") ? {} : { expire_seconds: expire_seconds ?? 30 }),
    url: "http://weixin.qq.com/q/kZgfwMTm72WWPkovabbI",
  })),
  "POST /cgi-bin/shorturl": withBody(() => ({ ...ok, short_url: "https://w.url.cn/s/AvCo6Ih" })),
  "POST /channels/ec/order/get": withBody(({ order_id }) => ({
    ...ok,
    order: {
      order_id,
      openid: "oEC1",
      unionid: "",
      status: 20,
      create_time: 1_658_505_600,
      update_time: 1_658_505_600,
    },
  })),
  "POST /channels/ec/aftersale/getaftersaleorder": withBody(({ after_sale_order_id }) => ({
    ...ok,
    after_sale_order: { after_sale_order_id, status: "USER_WAIT_RETURN", openid: "oEC1", unionid: "" },
  })),
};

function withBody(route: (fields: Record<string, unknown>) => object): Route {
  return ({ json }) => (isRecord(json) ? route(json) : { errcode: 47001, errmsg: "data format error" });
}

function stableToken(fields: Record<string, unknown>, tokens: AccessTokens, options: PlatformOptions): object {
  return refuseCredential(fields, options) ?? tokens.stable(String(fields["appid"]), fields["force_refresh"] === true);
}

function refuseCredential(given: Record<string, unknown>, options: PlatformOptions): object | undefined {
  if (given["grant_type"] !== "client_credential") return { errcode: 40002, errmsg: "invalid grant_type" };
  return refuseAccount(given, options);
}

function refuseAccount({ appid, secret }: Record<string, unknown>, { accounts }: PlatformOptions): object | undefined {
  if (typeof appid !== "string" || appid === "") return { errcode: 41002, errmsg: "appid missing" };
  if (typeof secret !== "string" || secret === "") return { errcode: 41004, errmsg: "appsecret missing" };
  if (accounts && !Object.hasOwn(accounts, appid)) return { errcode: 40013, errmsg: "invalid appid" };
  if (accounts && accounts[appid] !== secret) return { errcode: 40125, errmsg: "invalid appsecret" };
  return undefined;
}

/** Present-day fields: names and pictures come empty since 2021-12-27. */
function userInfo(openid: string | undefined, { users = {} }: PlatformOptions): object {
  if (!openid) return { errcode: 41009, errmsg: "missing openid" };
  if (openid.startsWith("bad")) return { errcode: 40003, errmsg: "invalid openid" };
  const usual = {
    subscribe: 1,
    openid,
    nickname: "",
    sex: 0,
    language: "zh_CN",
    city: "",
    province: "",
    country: "",
    headimgurl: "",
    subscribe_time: 1_382_694_957,
    unionid: "o6_bmasdasdsad6_2sgVt7hMZOPfL",
    remark: "",
    groupid: 0,
    tagid_list: [128, 2],
    subscribe_scene: "ADD_SCENE_QR_CODE",
    qr_scene: 98_765,
    qr_scene_str: "",
  };
  return { ...usual, ...users[openid] };
}

function fieldsOf({ json }: RecordedRequest): Record<string, unknown> {
  return isRecord(json) ? json : {};
}
