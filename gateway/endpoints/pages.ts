import { createHash, randomBytes } from "node:crypto";
import type { Endpoint } from "./endpoint.ts";

/** `short-url`: WeChat has ended this service; its refusal is passed on. */
export const shortenUrl: Endpoint = async ({ api, parameters }) => {
  const body = { action: "long2short", long_url: parameters.need("u", "u(rl)") };
  const { json } = await api.call("/cgi-bin/shorturl", { body });
  return { "short-url": json["short_url"] ?? "" };
};

/**
 * `sign-jsapi`: what a page gives to `wx.config` (开发者文档 "JS-SDK使用权限签名算法"). The nonce has two names: that of the
 * seed's program and that of its documents.
 */
export const signPage: Endpoint = async ({ account, parameters, jsapiTickets }) => {
  const url = parameters.need("u", "u(rl)").replace(/#.*$/s, "");
  const ticket = await jsapiTickets.get();
  const noncestr = randomBytes(8).toString("hex");
  const timestamp = Math.floor(Date.now() / 1000);
  const signed = `jsapi_ticket=${ticket}&noncestr=${noncestr}&timestamp=${timestamp}&url=${url}`;
  const signature = createHash("sha1").update(signed).digest("hex");
  return { params: { appId: account.appId, nonce: noncestr, noncestr, signature, timestamp } };
};
