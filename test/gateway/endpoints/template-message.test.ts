import assert from "node:assert/strict";
import { test } from "node:test";
import { createApiServer } from "../../shared/api/api-server.ts";
import { createWechatApi } from "../../support/wechat-api-server.ts";
import { answered, call, startBridge } from "./start-bridge.ts";

const send = "/cgi-bin/message/template/send";

test("tmpl-msg sends every kind of value as it was given, and gives WeChat's answer to the last digit", async (t) => {
  const api = await createApiServer(t);
  api.on(send, () => ({ status: 200, text: '{"errcode":0,"errmsg":"ok","msgid":3705115058471208928}' }));
  const { url } = await startBridge(t, { apiBase: api.apiBase });
  const body = `\uFEFF{
    "s": "plain", "to": "oX", "tid": "TID", "url": "http://u/?a=1&b=2",
    "mp": {"说明": "小程序", "appid": "mpapp", "pagepath": "p/i"},
    "data": {
      "first": "hello 你好 \\"<a>\\" \\u4f60", "n": 5, "float": 1.50, "big": 12345678, "huge": 3705115058471208928,
      "nul": null, "b": true, "list": [1, 3705115058471208928], "empty": "",
      "obj": {"value": 12345678901234567890, "color": "#173177"}, "__proto__": "p", "2": "two", "1": "one"
    }
  }`;
  assert.deepEqual(
    await call(`${url}/tmpl-msg`, { body, headers: { "content-type": "text/plain" } }),
    answered('{"code":200,"msg":"OK","result":{"errcode":0,"errmsg":"ok","msgid":3705115058471208928}}'),
  );
  const sent = api.calls.find(({ path }) => path === send);
  assert.equal(
    sent?.body,
    '{"touser":"oX","template_id":"TID","url":"http://u/?a=1&b=2","miniprogram":{"appid":"mpapp","pagepath":"p/i"},"data":{' +
      String.raw`"first":{"value":"hello 你好 \"<a>\" \u4f60"},"n":{"value":"5"},"float":{"value":"1.50"},` +
      '"big":{"value":"12345678"},"huge":{"value":"3705115058471208928"},"nul":{"value":""},"b":{"value":"true"},' +
      '"list":{"value":"[1, 3705115058471208928]"},"empty":{"value":""},' +
      '"obj":{"value": 12345678901234567890, "color": "#173177"},"__proto__":{"value":"p"},"2":{"value":"two"},"1":{"value":"one"}}}',
  );
});

const partly: [given: object, sent: object][] = [
  [{}, {}],
  [{ url: "" }, {}],
  [{ url: null, mp: null }, {}],
  [{ mp: {} }, {}],
  [{ mp: { pagepath: "p" } }, {}],
  [{ mp: { appid: "", pagepath: "p" } }, {}],
  [{ mp: "text" }, {}],
  [{ mp: { appid: "mpapp" } }, { miniprogram: { appid: "mpapp" } }],
  [{ mp: { appid: "mpapp", pagepath: "" } }, { miniprogram: { appid: "mpapp" } }],
];

test("tmpl-msg leaves out what was not given", async (t) => {
  const api = await createWechatApi(t);
  const { url } = await startBridge(t, { apiBase: api.url });
  for (const [given, sent] of partly) {
    const body = JSON.stringify({ s: "plain", to: "oX", tid: "TID", data: { k: "v" }, ...given });
    assert.deepEqual(
      await call(`${url}/tmpl-msg`, { body }),
      answered('{"code":200,"msg":"OK","result":{"errcode":0,"errmsg":"ok","msgid":200228332}}'),
    );
    const [asked] = await api.next(send);
    assert.deepEqual(asked?.json, { touser: "oX", template_id: "TID", data: { k: { value: "v" } }, ...sent });
  }
});

const refusals: [body: string, msg: string][] = [
  ["", "s(ervice) parameter expected"],
  ["[]", "s(ervice) parameter expected"],
  ['{"s":"plain"}', "to(user id) parameter expected"],
  ['{"s":"plain","to":"o"}', "tid(template id) parameter expected"],
  ['{"s":"plain","to":"o","tid":"T"}', "data parameter as a map expected"],
  ['{"s":"plain","to":"o","tid":"T","data":[]}', "data parameter as a map expected"],
  ['{"s":"plain","to":"o","tid":"T","data":null}', "data parameter as a map expected"],
  ['{"s":"nosuch","to":"o","tid":"T","data":{}}', "s(ervice) is the name of no service"],
  ['{"s":"plain",}', "the body is not valid JSON"],
  [`{"s":"plain","data":${"[".repeat(30_000)}${"]".repeat(30_000)}}`, "the body is not valid JSON"],
];

test("tmpl-msg refuses what is missing or broken", async (t) => {
  const api = await createWechatApi(t);
  const { url } = await startBridge(t, { apiBase: api.url });
  for (const [body, msg] of refusals) {
    const answer = await call(`${url}/tmpl-msg`, { body });
    assert.deepEqual(answer, answered(`{"code":400,"msg":"${msg}"}`, 400), body.slice(0, 80));
  }
  assert.equal(api.calls.length, 0);
});

test("tmpl-msg gives WeChat's errcode, and is not sent again after a failure", async (t) => {
  const api = await createWechatApi(t);
  api.fail(send, { errcode: 43004, errmsg: "require subscribe" });
  const { url } = await startBridge(t, { apiBase: api.url });
  const body = '{"s":"plain","to":"oX","tid":"TID","data":{"k":"v"}}';
  assert.deepEqual(
    await call(`${url}/tmpl-msg`, { body }),
    answered('{"code":500,"errcode":43004,"msg":"require subscribe"}', 500),
  );
  api.fail(send, "reset");
  assert.deepEqual(
    await call(`${url}/tmpl-msg`, { body }),
    answered(`{"code":500,"msg":"POST ${send}: no answer (ECONNRESET)"}`, 500),
  );
  assert.equal(api.count(send), 2);
});
