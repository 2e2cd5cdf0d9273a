import assert from "node:assert/strict";
import { test } from "node:test";
import { createApiServer } from "../../shared/api/api-server.ts";
import { createWechatApi } from "../../support/wechat-api-server.ts";
import { answered, call, startBridge } from "./start-bridge.ts";

const described =
  '"subscribe":1,"openid":"OPENID","nickname":"","sex":0,"language":"zh_CN","city":"","province":"","country":"","headimgurl":"",' +
  '"subscribe_time":1382694957,"unionid":"o6_bmasdasdsad6_2sgVt7hMZOPfL","remark":"","groupid":0,"tagid_list":[128,2],' +
  '"subscribe_scene":"ADD_SCENE_QR_CODE","qr_scene":98765,"qr_scene_str":""';
const userOf = (openid: string) => `{${described.replace("OPENID", openid)}}`;

test("wx-user gives every field that WeChat returns", async (t) => {
  const api = await createWechatApi(t);
  const { url } = await startBridge(t, { apiBase: api.url });
  assert.deepEqual(
    await call(`${url}/wx-user?s=plain&o=oUSER1`),
    answered(`{"code":200,"msg":"OK","userInfo":${userOf("oUSER1")}}`),
  );
  const [asked] = await api.next("/cgi-bin/user/info");
  assert.deepEqual({ ...asked?.query, access_token: "" }, { openid: "oUSER1", lang: "zh_CN", access_token: "" });
});

test("wx-user keeps every digit, and its openid brings no other parameter in", async (t) => {
  const api = await createApiServer(t);
  api.on("/cgi-bin/user/info", () => ({
    status: 200,
    text: '{"openid":"o",\n "qr_scene":3705115058471208928, "x":1.0}\n',
  }));
  const { url } = await startBridge(t, { apiBase: api.apiBase });
  assert.deepEqual(
    await call(`${url}/wx-user?s=plain&o=a%26lang%3Den%20%23`),
    answered('{"code":200,"msg":"OK","userInfo":{"openid":"o",\n "qr_scene":3705115058471208928, "x":1.0}}'),
  );
  assert.equal(api.calls.at(-1)?.target, "/cgi-bin/user/info?openid=a%26lang%3Den%20%23&lang=zh_CN&access_token=AT_1");
});

test("fifty calls at once on a cold cache fetch one token", async (t) => {
  const api = await createWechatApi(t);
  api.latency("/cgi-bin/stable_token", 100);
  const { url } = await startBridge(t, { apiBase: api.url });
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => call(`${url}/wx-user?s=plain&o=o${n}`)));
  for (const { status } of answers) assert.equal(status, 200);
  assert.equal(api.count("/cgi-bin/stable_token"), 1);
});

const person =
  String.raw`{"openid":"oOPENID_CODE","nickname":"李四 <b>&\"","sex":0,"province":"","city":"","country":"",` +
  '"headimgurl":"https://thirdwx.qlogo.cn/mmopen/g3MonUZtNHkdmzicIlibx6iaFqAc56vxLSUfpb6n5WKSYVY0ChQKkiaJSgQ1dZuTOgvLLrhJbERQQ4eMsv84eavHiaiceqxibJxCfHe/46",' +
  '"privilege":[],"unionid":"o6_bmasdasdsad6_2sgVt7hMZOPfL"}';

for (const scope of ["", "base", "snsapi_base", "snsn_api_base", "sns_base"]) {
  test(`sns-auth2 with scope "${scope}" describes the user with the account's token`, async (t) => {
    const api = await createWechatApi(t);
    const { url } = await startBridge(t, { apiBase: api.url });
    assert.deepEqual(
      await call(`${url}/sns-auth2?s=plain&code=base1&scope=${scope}`),
      answered(`{"code":200,"error":"","msg":"OK","openId":"oOPENID_base1","userInfo":${userOf("oOPENID_base1")}}`),
    );
    assert.deepEqual(
      api.calls.map(({ path }) => path),
      ["/sns/oauth2/access_token", "/cgi-bin/stable_token", "/cgi-bin/user/info"],
    );
    assert.deepEqual(api.calls[0]?.query, {
      appid: "wxapp_plain",
      secret: "0123456789abcdef0123456789abcdef",
      code: "base1",
      grant_type: "authorization_code",
    });
  });
}

for (const scope of ["userinfo", "snsapi_userinfo", "sns_userinfo"]) {
  test(`sns-auth2 with scope "${scope}" describes the user with the grant`, async (t) => {
    const api = await createWechatApi(t);
    const { url } = await startBridge(t, { apiBase: api.url });
    assert.deepEqual(
      await call(`${url}/sns-auth2?s=plain&code=CODE&scope=${scope}`),
      answered(`{"code":200,"error":"","msg":"OK","openId":"oOPENID_CODE","userInfo":${person}}`),
    );
    assert.deepEqual(
      api.calls.map(({ path }) => path),
      ["/sns/oauth2/access_token", "/sns/userinfo"],
    );
  });
}

test("sns-auth2 tells why there is no userInfo, without a token", async (t) => {
  const api = await createWechatApi(t);
  const { url } = await startBridge(t, { apiBase: api.url });
  assert.deepEqual(
    await call(`${url}/sns-auth2?s=plain&code=base1&scope=userinfo`),
    answered('{"code":200,"error":"api unauthorized","msg":"OK","openId":"oOPENID_base1","userInfo":null}'),
  );
  api.fail("/cgi-bin/user/info", { errcode: 48001, errmsg: "api unauthorized" });
  assert.deepEqual(
    await call(`${url}/sns-auth2?s=plain&code=base2`),
    answered('{"code":200,"error":"api unauthorized","msg":"OK","openId":"oOPENID_base2","userInfo":null}'),
  );
});

test("sns-auth2 refuses bad calls, and passes WeChat's refusal of a code on", async (t) => {
  const api = await createWechatApi(t);
  const { url } = await startBridge(t, { apiBase: api.url });
  const scopeFault = String.raw`scope must be \"userinfo\", \"base\", \"snsapi_userinfo\" or \"snsapi_base\"`;
  const rows: [query: string, status: number, body: string][] = [
    ["s=plain", 400, '{"code":400,"msg":"code parameter expected"}'],
    ["s=nosuch&code=C", 400, '{"code":400,"msg":"s(ervice) is the name of no service"}'],
    ["s=plain&code=C&scope=other", 400, `{"code":400,"msg":"${scopeFault}"}`],
    ["s=plain&code=C&scope=constructor", 400, `{"code":400,"msg":"${scopeFault}"}`],
    ["s=plain&code=bad1", 500, '{"code":500,"errcode":40029,"msg":"invalid code"}'],
  ];
  for (const [query, status, body] of rows) {
    assert.deepEqual(await call(`${url}/sns-auth2?${query}`), answered(body, status), query);
  }
});
