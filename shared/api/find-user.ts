import type { WechatApi } from "./wechat-api.ts";

/** Looks a user up by `/cgi-bin/user/info`: the text as WeChat sent it. */
export type FindUser = (openid: string) => Promise<{ text: string }>;

/** Waits `timeout` milliseconds at most, default 5000. */
export function createFindUser(api: WechatApi, timeout?: number): FindUser {
  return (openid) => api.call("/cgi-bin/user/info", { query: { openid, lang: "zh_CN" }, timeout });
}
