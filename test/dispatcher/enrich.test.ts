import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createEnrich } from "../../dispatcher/enrich.ts";
import { createUserInfo } from "../../dispatcher/user-info.ts";
import { createWechatApi } from "../../shared/api/wechat-api.ts";
import { createMetrics } from "../../shared/metrics.ts";
import { createApiServer, createKeptLog } from "../shared/api/api-server.ts";
import { accountOf } from "../shared/config/sample-config.ts";
import { eventOf } from "./forward-account.ts";

const path = "/cgi-bin/user/info";
const info = `{"subscribe":1,"openid":"o1","big":3705115058471208928}`;

async function createEnriching(t: TestContext, settings: object = {}) {
  const server = await createApiServer(t);
  server.on(path, () => ({ status: 200, text: info }));
  const account = await accountOf({ "dont-append-userinfo": false, ...settings });
  const { log } = createKeptLog();
  const api = createWechatApi({ account, apiBase: server.apiBase, http: server.http, log });
  const metrics = createMetrics();
  const enrich = createEnrich(account, createUserInfo(api, { log }), metrics);
  const enriched = async (body: string, changes: object = {}) =>
    (await enrich(eventOf({ body: Buffer.from(body), ...changes }))).toString();
  return { server, metrics, enriched };
}

const added = `,"userInfo":${info},"userInfoError":""}`;
const bodies: [name: string, body: string, whole: string][] = [
  ["numbers keep their digits", `{"FromUserName":"o1","order_id":3705115058471208928,"x":1.50`, "}"],
  ["white space behind", `{"FromUserName":"o1"`, "}\n\n"],
  ["white space before the brace", `{ "FromUserName" : "o1"\n`, "}"],
  ["braces in strings and objects", `{"a":{"b":"}"},"FromUserName":"o1","c":"}} \\"}"`, "}"],
  ["text beyond ASCII", `{"FromUserName":"o1","Content":"你好 😀 \\u2028"`, "}"],
];
for (const [name, body, end] of bodies) {
  test(`userInfo is put in front of the last brace: ${name}`, async (t) => {
    const { enriched } = await createEnriching(t);
    const whole = await enriched(body + end);
    assert.equal(whole, body + added);
    assert.deepEqual((JSON.parse(whole) as { userInfo: unknown }).userInfo, JSON.parse(info));
  });
}

test("an error of WeChat's is text in userInfoError, whatever it holds", async (t) => {
  const { server, metrics, enriched } = await createEnriching(t);
  server.on(path, () => ({ errcode: 40003, errmsg: `invalid "openid"\n\\` }));
  const whole = await enriched(`{"FromUserName":"o1"}`);
  assert.deepEqual(JSON.parse(whole), { FromUserName: "o1", userInfo: null, userInfoError: `invalid "openid"\n\\` });
  assert.match(await metrics.registry.metrics(), /wx_user_info_errors_total\{service="shop"\} 1/);
});

const untouched: [name: string, settings: object, body: string][] = [
  ["dont-append-userinfo", { "dont-append-userinfo": true }, `{"FromUserName":"o1"}`],
  ["a store", { "is-channels-ec": true }, `{"FromUserName":"o1"}`],
  ["no user", {}, `{"InfoType":"component_verify_ticket"}`],
  ["an empty user", {}, `{"FromUserName":""}`],
  ["a user that is no text", {}, `{"FromUserName":5}`],
  ["an empty object", {}, `{ }`],
];
for (const [name, settings, body] of untouched) {
  test(`left as it is: ${name}`, async (t) => {
    const { server, enriched } = await createEnriching(t, settings);
    assert.equal(await enriched(body), body);
    assert.equal(server.calls.length, 0);
  });
}

const waits: [name: string, changes: () => object, from: number, to: number][] = [
  ["a third of what is left of the budget", () => ({ deadline: Date.now() + 900 }), 200, 300],
  ["1 s at most", () => ({ deadline: Date.now() + 60_000 }), 1000, 1000],
  ["1 s when nobody waits for the reply", () => ({ deadline: Date.now() + 300, replyTo: undefined }), 1000, 1000],
  ["1 s when the deadline is over", () => ({ deadline: Date.now() - 1000 }), 1000, 1000],
];
for (const [name, changes, from, to] of waits) {
  test(`a silent user/info costs ${name}`, async (t) => {
    const { server, enriched } = await createEnriching(t);
    server.on(path, () => "hang");
    const { userInfo, userInfoError } = JSON.parse(await enriched(`{"FromUserName":"o1"}`, changes())) as Record<
      string,
      unknown
    >;
    assert.equal(userInfo, null);
    const [, ms] = /^user\/info: no answer in (\d+) ms$/.exec(String(userInfoError)) ?? [];
    assert.ok(Number(ms) >= from && Number(ms) <= to, String(userInfoError));
  });
}

test("subscribing and unsubscribing make WeChat be asked again", async (t) => {
  const { server, enriched } = await createEnriching(t);
  for (const routingKey of ["msg.text", "msg.text", "event.unsubscribe", "event.subscribe", "event.CLICK"]) {
    await enriched(`{"FromUserName":"o1"}`, { routingKey });
  }
  assert.equal(server.count(path), 3);
});
