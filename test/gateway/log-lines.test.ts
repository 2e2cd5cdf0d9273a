import assert from "node:assert/strict";
import { test } from "node:test";
import { membersOf } from "../../gateway/endpoints/json-text.ts";
import { createBackend } from "../support/backend-server.ts";
import { createWechatApi } from "../support/wechat-api-server.ts";
import { createWechat } from "../support/wechat-server.ts";
import { call, startBridge } from "./endpoints/start-bridge.ts";

const users = "/cgi-bin/user/info";

test("what goes wrong with WeChat's API names the account, and no line has a key twice", async (t) => {
  const [api, backend] = [await createWechatApi(t), await createBackend(t)];
  const { url, logged } = await startBridge(t, {
    apiBase: api.url,
    service: {
      "msg-proxy-pass": backend.url,
      "listen-endpoints": { "service-path": "/wx", "redirect-path": "/redir" },
      "redirect-url": backend.url,
    },
  });
  const wechat = createWechat({ url: `${url}/wx`, token: "token-of-plain", appId: "wxapp_plain" });
  const push = (user: string) =>
    wechat.push(`<xml><FromUserName>${user}</FromUserName><MsgType>text</MsgType><MsgId>${user}</MsgId></xml>`);
  const lineOf = (message: string) => logged.find((line) => line.includes(`"msg":"${message}`)) ?? "";

  await push("o1");
  api.invalidateToken();
  await push("o2");
  api.fail(users, { status: 500 });
  for (const user of ["o3", "o4", "o5"]) await push(user);
  await call(`${url}/redir?code=base1&state=s`);
  api.fail("/cgi-bin/ticket/getticket", { errcode: 45009, errmsg: "reach max api daily quota limit" });
  await call(`${url}/sign-jsapi`, { body: "s=plain&u=http://a" });
  api.fail(users, "reset", 0);
  api.fail("/cgi-bin/stable_token", { errcode: 40125, errmsg: "invalid appsecret" });
  api.invalidateToken();
  await call(`${url}/wx-user?s=plain&o=o1`);

  for (const message of [
    "WeChat refused the access_token: dropped",
    "user/info skipped: 3 failures in a row",
    "no userInfo for an authorized page",
    "no jsapi_ticket from WeChat",
    "no access_token from WeChat",
    "common endpoint failed",
    "delivery",
    "push",
  ]) {
    assert.match(lineOf(message), /"service":"plain"/, message);
  }
  for (const line of logged) {
    const keys = membersOf(line).map(([key]) => key);
    assert.equal(new Set(keys).size, keys.length, line);
  }
});
