/**
 * What the common endpoints and a redirect path answered, row by row, with WeChat's answers as they were then.
 * Elsewhere: each endpoint's parameters, refusals and the calls to WeChat (test/gateway/endpoints), pages with all headers
 * and streams (test/gateway/web-authorization), the real paths through a process (old-config).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answered, call, startBridge, type Answer, type Call } from "../gateway/endpoints/start-bridge.ts";
import { createApiServer } from "../shared/api/api-server.ts";

const user = `{"openid":"oUSER1","nickname":"张三<b>&\\"","sex":1,"language":"zh_CN"}`;
const paths = {
  "health-check": "/health",
  "wx-qr": "/qr",
  "wx-user": "/user",
  "sns-auth2": "/sns-auth2",
  "short-url": "/short-url",
  "tmpl-msg": "/tmpl-msg",
  "sign-jsapi": "/sign-jsapi",
  "channels-ec-order-detail": "/ec-order-detail",
  "channels-ec-refund-detail": "/ec-refund-detail",
};
/** WeChat's answers by path. */
const platform: Record<string, string> = {
  "/cgi-bin/qrcode/create": `{"ticket":"gQH47jo+/==","url":"http://weixin.qq.com/q/kZg"}`,
  "/cgi-bin/user/info": user,
  "/sns/oauth2/access_token": `{"access_token":"SNS","openid":"oOPENID_C1"}`,
  "/sns/userinfo": user,
  "/cgi-bin/shorturl": `{"errcode":0,"short_url":"https://w.url.cn/s/AvCo6Ih"}`,
  "/cgi-bin/message/template/send": `{"errcode":0,"errmsg":"ok","msgid":200228332}`,
  "/channels/ec/order/get": `{"errcode":0,"order":{"order_id":3705115058471208928}}`,
  "/channels/ec/aftersale/getaftersaleorder": `{"errcode":0,"after_sale_order":{"a":1}}`,
};

const refused = (msg: string, code = 400) => answered(`{"code":${code},"msg":"${msg}"}`, code);
const message = (changes: object = {}) => JSON.stringify({ s: "plain", to: "oX", tid: "TID", data: {}, ...changes });
const nothing: Answer = { status: 405, type: undefined, body: "" };
const service = "s(ervice) is the name of no service";
const picture = "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQH47jo%2B%2F%3D%3D";

type Row = [fact: string, request: string, given: Call, answer: Answer];
const rows: Row[] = [
  ["health, as before", "/health", {}, { status: 200, type: "text/plain;charset=UTF-8", body: "OK\n" }],
  [
    "qr: the same, the ticket now encoded",
    "/qr?s=plain&t=temp",
    {},
    answered(
      `{"code":200,"msg":"OK","result":{"ticketURL2ShowQrCode":"${picture}","urlIncluedInQrcode":"http://weixin.qq.com/q/kZg"}}`,
    ),
  ],
  [
    "user: the same, with every field",
    "/user?s=plain&o=oUSER1",
    {},
    answered(`{"code":200,"msg":"OK","userInfo":${user}}`),
  ],
  ...["userinfo", "snsapi_userinfo", "", "base", "snsapi_base", "snsn_api_base"].map((scope): Row => [
    `sns-auth2 with scope "${scope}": ${scope.endsWith("info") ? "the same" : "had no user, and a token in its error"}`,
    `/sns-auth2?s=plain&code=C1&scope=${scope}`,
    {},
    answered(`{"code":200,"error":"","msg":"OK","openId":"oOPENID_C1","userInfo":${user}}`),
  ]),
  [
    "short-url by form, as before",
    "/short-url",
    { body: "s=plain&u=http://a" },
    answered('{"code":200,"msg":"OK","short-url":"https://w.url.cn/s/AvCo6Ih"}'),
  ],
  [
    "short-url by query, as before",
    "/short-url?s=plain&u=http://a",
    { method: "POST" },
    answered('{"code":200,"msg":"OK","short-url":"https://w.url.cn/s/AvCo6Ih"}'),
  ],
  [
    "short-url by JSON was refused",
    "/short-url",
    { body: '{"s":"plain","u":"http://a"}' },
    answered('{"code":200,"msg":"OK","short-url":"https://w.url.cn/s/AvCo6Ih"}'),
  ],
  [
    "tmpl-msg answered null",
    "/tmpl-msg",
    { body: message() },
    answered('{"code":200,"msg":"OK","result":{"errcode":0,"errmsg":"ok","msgid":200228332}}'),
  ],
  [
    "an order, as before",
    "/ec-order-detail?s=ec&o=1",
    {},
    answered('{"code":200,"msg":"OK","order":{"order_id":3705115058471208928}}'),
  ],
  [
    "an after-sales order, as before",
    "/ec-refund-detail?s=ec&o=1",
    {},
    answered('{"aftersaleOrder":{"a":1},"code":200,"msg":"OK"}'),
  ],
  ["a missing parameter had Go's name", "/qr?s=plain", {}, refused("t(ype) parameter expected")],
  ["a wrong t, as before", "/qr?s=plain&t=x", {}, refused(String.raw`t(ype) value must be \"temp\" or \"forever\"`)],
  ["a wrong e had Go's words", "/qr?s=plain&t=temp&e=abc", {}, refused("e(xpire) must be a number of seconds")],
  ["an unknown service was 500", "/user?s=nosuch&o=o", {}, refused(service)],
  ["an unknown service at sns-auth2 was PANIC and a stack", "/sns-auth2?s=nosuch&code=C", {}, refused(service)],
  [
    "an unknown service at sign-jsapi had words of its own",
    "/sign-jsapi",
    { body: "s=nosuch&u=http://a" },
    refused(service),
  ],
  [
    "an unknown scope misspelt its names",
    "/sns-auth2?s=plain&code=C&scope=x",
    {},
    refused(String.raw`scope must be \"userinfo\", \"base\", \"snsapi_userinfo\" or \"snsapi_base\"`),
  ],
  [
    "an account that is no store was 500",
    "/ec-order-detail?s=plain&o=1",
    {},
    refused(String.raw`service \"plain\" is no store: it lacks is-channels-ec`),
  ],
  ...Object.entries({ s: "s(ervice)", to: "to(user id)", tid: "tid(template id)" }).map(([name, words]): Row => [
    `tmpl-msg without ${name}, as before`,
    "/tmpl-msg",
    { body: message({ [name]: "" }) },
    refused(`${words} parameter expected`),
  ]),
  [
    "tmpl-msg without data, as before",
    "/tmpl-msg",
    { body: message({ data: 1 }) },
    refused("data parameter as a map expected"),
  ],
  ["broken JSON had Go's words", "/tmpl-msg", { body: '{"s":' }, refused("the body is not valid JSON")],
  ["a wrong method, as before", "/qr", { method: "POST" }, nothing],
  ["a wrong method, as before", "/tmpl-msg", {}, nothing],
  ["HEAD was answered", "/qr?s=plain&t=temp", { method: "HEAD" }, nothing],
  [
    "a page without code: the words name both",
    "/redirect?state=s",
    {},
    { status: 400, type: "text/plain; charset=utf-8", body: "argument expected: code and state\n" },
  ],
];
const failures: [fact: string, path: string, given: object | "reset", request: string, answer: Answer][] = [
  [
    "WeChat's refusal has its errcode",
    "/cgi-bin/user/info",
    { errcode: 40003, errmsg: "invalid openid" },
    "/user?s=plain&o=x",
    answered('{"code":500,"errcode":40003,"msg":"invalid openid"}', 500),
  ],
  [
    "WeChat's HTTP 500 said `status 500`",
    "/cgi-bin/user/info",
    { status: 500, text: "" },
    "/user?s=plain&o=x",
    refused("GET /cgi-bin/user/info: HTTP 500", 500),
  ],
  [
    "no ticket: the words mended",
    "/cgi-bin/qrcode/create",
    { url: "u" },
    "/qr?s=plain&t=temp",
    refused("WeChat's answer holds no ticket", 500),
  ],
  [
    "a refused code of a page, as before",
    "/sns/oauth2/access_token",
    { errcode: 40029, errmsg: "invalid code" },
    "/redirect?code=C&state=s",
    { status: 500, type: "text/plain; charset=utf-8", body: "invalid code\n" },
  ],
  [
    "WeChat's HTTP 500 for a page said `status 500`",
    "/sns/oauth2/access_token",
    { status: 500, text: "" },
    "/redirect?code=C&state=s",
    { status: 500, type: "text/plain; charset=utf-8", body: "GET /sns/oauth2/access_token: HTTP 500\n" },
  ],
];

test("common endpoints and pages", async (t) => {
  const api = await createApiServer(t);
  for (const [path, text] of Object.entries(platform)) api.on(path, () => ({ status: 200, text }));
  const endpoints = { "service-path": "/wx", "redirect-path": "/redirect" };
  const redirecting = { "listen-endpoints": endpoints, "redirect-url": "http://127.0.0.1:1/" };
  const { url } = await startBridge(t, { apiBase: api.apiBase, endpoints: paths, service: redirecting });
  for (const [fact, request, given, answer] of rows) {
    await t.test(fact, async () => assert.deepEqual(await call(url + request, given), answer));
  }
  await t.test("sign-jsapi: nonce, signature and timestamp as before, appId and noncestr as well", async () => {
    api.on("/cgi-bin/ticket/getticket", () => ({ errcode: 0, ticket: "TICKET", expires_in: 7200 }));
    const { body } = await call(`${url}/sign-jsapi`, { body: "s=plain&u=http://a" });
    const shape =
      /^\{"code":200,"msg":"OK","params":\{"appId":"wxapp_plain","nonce":"(\w{16})","noncestr":"\1","signature":"[0-9a-f]{40}","timestamp":\d{10}\}\}\n$/;
    assert.match(body, shape);
  });
  for (const [fact, path, given, request, answer] of failures) {
    await t.test(fact, async () => {
      api.on(path, () => given);
      assert.deepEqual(await call(url + request), answer);
    });
  }
});
