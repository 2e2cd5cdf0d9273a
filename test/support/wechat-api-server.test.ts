import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import type { Closing } from "./loopback-server.ts";
import { createWechatApi, type WechatApi } from "./wechat-api-server.ts";

const credential = { grant_type: "client_credential", appid: "wx1", secret: "s1" };
const stablePath = "/cgi-bin/stable_token";
const userPath = "/cgi-bin/user/info";

function createCaller(t: Closing, api: WechatApi) {
  const dispatcher = new Agent();
  t.after(() => dispatcher.destroy());
  async function call(path: string, query: Record<string, string>, body?: object): Promise<Record<string, unknown>> {
    const posted = body === undefined ? {} : { method: "POST" as const, body: JSON.stringify(body) };
    const answer = await request(api.url + path, { dispatcher, query, ...posted });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) return { status: answer.statusCode, text };
    return { ...Object(JSON.parse(text)), contentType: answer.headers["content-type"] };
  }
  const stable = async (more: object = {}) =>
    String((await call(stablePath, {}, { ...credential, ...more }))["access_token"]);
  const user = (access_token: string, openid = "oUSER1") => call(userPath, { access_token, openid });
  return { call, stable, user };
}

test("stable_token hands out one token until it is replaced, invalidated or expired", async (t) => {
  const api = await createWechatApi(t, { expiresIn: 0.3 });
  const { call, stable, user } = createCaller(t, api);
  const first = await stable();
  assert.equal(await stable(), first);
  assert.notEqual(await stable({ appid: "wx2" }), first);
  const forced = await stable({ force_refresh: true });
  assert.notEqual(forced, first);
  assert.equal((await user(first))["errcode"], 40001);
  api.invalidateToken();
  assert.equal((await user(forced))["errcode"], 40001);
  const again = await stable();
  assert.equal((await user(again))["errcode"], undefined);
  await sleep(350);
  assert.equal((await user(again))["errcode"], 42001);
  assert.notEqual(await stable(), again);
  assert.equal((await call(stablePath, {}))["errcode"], 43002);
});

test("token invalidates the one before and leaves the stable one alone", async (t) => {
  const { call, stable, user } = createCaller(t, await createWechatApi(t));
  const kept = await stable();
  const first = await call("/cgi-bin/token", credential);
  const second = await call("/cgi-bin/token", credential);
  assert.equal(first["expires_in"], 7200);
  assert.equal((await user(String(first["access_token"])))["errcode"], 40001);
  assert.equal((await user(String(second["access_token"])))["subscribe"], 1);
  assert.equal((await user(kept))["subscribe"], 1);
});

test("checks the account's credentials", async (t) => {
  const { call } = createCaller(t, await createWechatApi(t, { accounts: { wx1: "s1" } }));
  const errcode = async (more: object) => (await call(stablePath, {}, { ...credential, ...more }))["errcode"];
  assert.equal(await errcode({}), undefined);
  assert.equal(await errcode({ appid: "wx2" }), 40013);
  assert.equal(await errcode({ secret: "no" }), 40125);
  assert.equal(await errcode({ grant_type: "x" }), 40002);
});

test("user/info answers the fields of today, and a user of the test's own", async (t) => {
  const { stable, user } = createCaller(t, await createWechatApi(t, { users: { oVIP: { remark: "friend" } } }));
  const token = await stable();
  assert.deepEqual(await user(token), {
    subscribe: 1,
    openid: "oUSER1",
    nickname: "",
    sex: 0,
    language: "zh_CN",
    city: "",
    province: "",
    country: "",
    headimgurl: "",
    subscribe_time: 1382694957,
    unionid: "o6_bmasdasdsad6_2sgVt7hMZOPfL",
    remark: "",
    groupid: 0,
    tagid_list: [128, 2],
    subscribe_scene: "ADD_SCENE_QR_CODE",
    qr_scene: 98765,
    qr_scene_str: "",
    contentType: "application/json; encoding=utf-8",
  });
  assert.equal((await user(token, "oVIP"))["remark"], "friend");
  assert.equal((await user(token, "bad1"))["errcode"], 40003);
  assert.equal((await user("", "oUSER1"))["errcode"], 41001);
});

test("answers every other endpoint as documented", async (t) => {
  const api = await createWechatApi(t, { ipList: ["127.0.0.1", "101.226.103.0/25"] });
  const { call, stable } = createCaller(t, api);
  const token = { access_token: await stable() };
  const post = (path: string, body: object) => call(path, token, body);
  assert.deepEqual((await call("/cgi-bin/getcallbackip", token))["ip_list"], ["127.0.0.1", "101.226.103.0/25"]);
  assert.equal((await call("/cgi-bin/ticket/getticket", { ...token, type: "jsapi" }))["expires_in"], 7200);
  assert.equal((await post("/cgi-bin/message/custom/send", { touser: "o" }))["errcode"], 0);
  assert.equal((await post("/cgi-bin/message/template/send", { touser: "o" }))["msgid"], 200228332);
  const temporary = await post("/cgi-bin/qrcode/create", { expire_seconds: 60, action_name: "QR_STR_SCENE" });
  assert.equal(temporary["expire_seconds"], 60);
  assert.match(String(temporary["ticket"]), /\+.*\/.*==$/);
  const forever = await post("/cgi-bin/qrcode/create", { action_name: "QR_LIMIT_STR_SCENE" });
  assert.equal("expire_seconds" in forever, false);
  assert.equal((await post("/cgi-bin/shorturl", {}))["short_url"], "https://w.url.cn/s/AvCo6Ih");
  const order = await post("/channels/ec/order/get", { order_id: "3705115058471208928" });
  assert.equal(Object(order["order"]).order_id, "3705115058471208928");
  const refund = await post("/channels/ec/aftersale/getaftersaleorder", { after_sale_order_id: "1234567" });
  assert.equal(Object(refund["after_sale_order"]).after_sale_order_id, "1234567");
  assert.equal((await call("/cgi-bin/message/custom/send", {}, {}))["errcode"], 41001);
  assert.equal((await call("/cgi-bin/nosuch", token))["status"], 404);
});

test("exchanges an OAuth code once, and shows the user only in the wider scope", async (t) => {
  const { call } = createCaller(t, await createWechatApi(t));
  const exchange = (code: string) =>
    call("/sns/oauth2/access_token", { appid: "wx1", secret: "s1", code, grant_type: "authorization_code" });
  const userInfo = ({ access_token, openid }: Record<string, unknown>) =>
    call("/sns/userinfo", { access_token: String(access_token), openid: String(openid), lang: "zh_CN" });
  const granted = await exchange("C1");
  assert.deepEqual(
    [granted["openid"], granted["scope"], granted["contentType"]],
    ["oOPENID_C1", "snsapi_userinfo", "text/plain"],
  );
  assert.equal((await exchange("C1"))["errcode"], 40163);
  assert.equal((await exchange("bad"))["errcode"], 40029);
  assert.equal((await userInfo(granted))["nickname"], '李四 <b>&"');
  assert.equal((await userInfo({ ...granted, openid: "oOTHER" }))["errcode"], 40003);
  assert.equal((await userInfo(await exchange("base1")))["errcode"], 48001);
});

test("fails as often as told, waits as long as told, and counts every call", async (t) => {
  const api = await createWechatApi(t);
  const { stable, user } = createCaller(t, api);
  const token = await stable();
  api.fail(userPath, { errcode: 45009, errmsg: "reach max api daily quota limit" }, 1);
  assert.equal((await user(token))["errcode"], 45009);
  api.fail(userPath, { status: 502 }, 1);
  assert.deepEqual(await user(token), { status: 502, text: "" });
  api.fail(userPath, "reset", 1);
  await assert.rejects(user(token), { code: "ECONNRESET" });
  api.latency(userPath, 80);
  const startedAt = performance.now();
  assert.equal((await user(token))["subscribe"], 1);
  assert.ok(performance.now() - startedAt >= 75);
  api.fail(userPath, "hang");
  const hanging = assert.rejects(user(token, "oLAST"), { code: "UND_ERR_SOCKET" });
  const calls = await api.next(userPath, 5);
  assert.equal(calls[4]?.query["openid"], "oLAST");
  assert.deepEqual([api.count(userPath), api.count(stablePath), api.calls.length], [5, 1, 6]);
  await api.stop();
  await hanging;
});

test("records a posted body", async (t) => {
  const api = await createWechatApi(t);
  const { call, stable } = createCaller(t, api);
  const body = { touser: "oUSER1", msgtype: "text", text: { content: "晚" } };
  await call("/cgi-bin/message/custom/send", { access_token: await stable() }, body);
  const [sent] = await api.next("/cgi-bin/message/custom/send");
  assert.deepEqual([sent?.method, sent?.body, sent?.json], ["POST", JSON.stringify(body), body]);
});
