import assert from "node:assert/strict";
import { test } from "node:test";
import { createWechatApi } from "../../support/wechat-api-server.ts";
import { answered, call, startBridge } from "./start-bridge.ts";

const shown =
  "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQH47joAAAAAAAAA%2BSxodHRwOi8vd2VpeGluLnFxLmNvbS9x%2F2taZ2Z3TVRtNzJXV1Brb3ZhYmJJAAIEZ23sUwMEmm3sUw%3D%3D";
const made = answered(
  `{"code":200,"msg":"OK","result":{"ticketURL2ShowQrCode":"${shown}","urlIncluedInQrcode":"http://weixin.qq.com/q/kZgfwMTm72WWPkovabbI"}}`,
);

const temporary = (scene_str: string, expire_seconds: number) => ({
  action_info: { scene: { scene_str } },
  action_name: "QR_STR_SCENE",
  expire_seconds,
});

const rows: [query: string, sent: object][] = [
  ["t=temp", temporary("0", 30)],
  ["t=temp&e=", temporary("0", 30)],
  ["t=temp&e=0", temporary("0", 30)],
  ["t=temp&e=-5", temporary("0", 30)],
  ["t=temp&e=2592000&sceneid=", temporary("0", 2_592_000)],
  ["t=temp&sceneid=%E4%BD%A0%26%22+x", temporary('你&" x', 30)],
  ["t=temp&t=forever&sceneid=0012", temporary("0012", 30)],
  ["t=forever&e=60&sceneid=7", { action_info: { scene: { scene_str: "7" } }, action_name: "QR_LIMIT_STR_SCENE" }],
];

for (const [query, sent] of rows) {
  test(`wx-qr makes the code of ${query}`, async (t) => {
    const api = await createWechatApi(t);
    const { url } = await startBridge(t, { apiBase: api.url });
    assert.deepEqual(await call(`${url}/wx-qr?s=plain&${query}`), made);
    const [asked] = await api.next("/cgi-bin/qrcode/create");
    assert.deepEqual(asked?.json, sent);
  });
}

const refusals: [query: string, msg: string][] = [
  ["", String.raw`t(ype) parameter expected`],
  ["t=", String.raw`t(ype) parameter expected`],
  ["t=TEMP", String.raw`t(ype) value must be \"temp\" or \"forever\"`],
  ["t=toString", String.raw`t(ype) value must be \"temp\" or \"forever\"`],
  ["t=temp&e=abc", "e(xpire) must be a number of seconds"],
  ["t=temp&e=1.5", "e(xpire) must be a number of seconds"],
  ["t=temp&e=1234567890", "e(xpire) must be a number of seconds"],
];

test("wx-qr refuses what it cannot make", async (t) => {
  const api = await createWechatApi(t);
  const { url } = await startBridge(t, { apiBase: api.url });
  for (const [query, msg] of refusals) {
    assert.deepEqual(await call(`${url}/wx-qr?s=plain&${query}`), answered(`{"code":400,"msg":"${msg}"}`, 400), query);
  }
  assert.equal(api.calls.length, 0);
  api.fail("/cgi-bin/qrcode/create", { errcode: 0, errmsg: "ok" });
  const noTicket = answered('{"code":500,"msg":"WeChat\'s answer holds no ticket"}', 500);
  assert.deepEqual(await call(`${url}/wx-qr?s=plain&t=temp`), noTicket);
});
