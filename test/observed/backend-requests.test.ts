/**
 * What go-wx-gateway sent to its backends, row by row; each row says what is as before and what is mended.
 * Elsewhere: every kind of push, its echo and stores (test/bridge/pushes), the request's headers (test/dispatcher/forward),
 * XML in all its forms (test/shared/wechat/xml), numbers and heads (test/shared/wechat/push).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { busKinds, createSystem } from "../bridge/system.ts";
import { createBackend } from "../support/backend-server.ts";
import { createWechatApi } from "../support/wechat-api-server.ts";
import { observedPushes } from "./observed-pushes.ts";

const head = "<ToUserName>gh_test</ToUserName><FromUserName>oUSER1</FromUserName>";
const headJson = `{"ToUserName":"gh_test","FromUserName":"oUSER1"`;
const text = (Content: string, id: string, openid = "oUSER1") =>
  `<xml><ToUserName>gh_test</ToUserName><FromUserName>${openid}</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><MsgId>${id}</MsgId><Content>${Content}</Content></xml>`;

/** A text as it was before userInfo came. */
const before = (id: string, openid = "oUSER1") =>
  `{"ToUserName":"gh_test","FromUserName":"${openid}","CreateTime":1,"MsgType":"text","MsgId":"${id}","Content":"a","userInfo":`;

const contents: [fact: string, Content: string, json: string][] = [
  ["text was cut at a comment: it is joined", "a<!-- b -->c", `"ac"`],
  ["split CDATA is joined, as before", "<![CDATA[a]]]]><![CDATA[>b]]>", `"a]]>b"`],
  [String.raw`\r\n is \n, as before`, "a\r\nb\rc", String.raw`"a\nb\nc"`],
  ["DEL and what is not ASCII are raw, as before", "\u007f你好😀", `"\u007f你好😀"`],
  ["U+2028 was escaped: it is raw, the same JSON value", "\u2028", `"\u2028"`],
  ["< > & were escaped when userInfo is appended: they are raw, the same JSON value", "&lt;&gt;&amp;", `"<>&"`],
  ["a control character cost the push its delivery: it is forwarded", "a\u0001b", String.raw`"a\u0001b"`],
  ["white space stays, as before", " a\t", String.raw`" a\t"`],
  ["it came as GBK by its declaration and is UTF-8, as before", "你", `"你"`],
];

for (const bus of busKinds) {
  test(`${bus}: requests to the backend`, async (t) => {
    const backend = await createBackend(t);
    const services = [{ name: "account", "msg-proxy-pass": backend.url }];
    const system = await createSystem(t, { bus, services });
    const push = async (body: string) => {
      const { status } = await system.wechat("account").push(body);
      const [request] = await backend.next(1);
      return { status, path: request?.path, body: request?.body };
    };
    for (const [index, { fact, elements, path, rest }] of observedPushes.entries()) {
      await t.test(fact, async () => {
        const CreateTime = 1_348_831_860 + index;
        assert.deepEqual(await push(`<xml>${head}<CreateTime>${CreateTime}</CreateTime>${elements}</xml>`), {
          status: 200,
          path,
          body: `${headJson},"CreateTime":${CreateTime},${rest}}`,
        });
      });
    }
    for (const [index, [fact, Content, json]] of contents.entries()) {
      await t.test(fact, async () => {
        const body = text(Content, `9${index}`);
        const sent = fact.includes("GBK") ? `\uFEFF<?xml version="1.0" encoding="GBK"?>${body}` : body;
        const expected = `${headJson},"CreateTime":1,"MsgType":"text","MsgId":"9${index}","Content":${json}}`;
        assert.deepEqual(await push(sent), { status: 200, path: "/msg/text", body: expected });
      });
    }
    await t.test("the same MsgId twice was two requests: it is one", async () => {
      const bodies = [text("twice", "81"), text("twice", "81"), text("once", "82")];
      for (const body of bodies) await system.wechat("account").push(body);
      const contentsOf = (await backend.next(2)).map(({ json }) => (json as { Content: string }).Content);
      assert.deepEqual(contentsOf, ["twice", "once"]);
    });
  });

  test(`${bus}: userInfo`, async (t) => {
    const [backend, api] = [await createBackend(t), await createWechatApi(t)];
    const settings = { "dont-append-userinfo": false, "wx-api-base": api.url };
    const services = [{ name: "account", "msg-proxy-pass": backend.url }];
    const system = await createSystem(t, { bus, services, settings });
    const bodyOf = async (push: string) => {
      await system.wechat("account").push(push);
      return (await backend.next(1))[0]?.body;
    };
    const all =
      '"subscribe":1,"openid":"oUSER1","nickname":"","sex":0,"language":"zh_CN","city":"","province":"","country":"","headimgurl":"",' +
      '"subscribe_time":1382694957,"unionid":"o6_bmasdasdsad6_2sgVt7hMZOPfL","remark":"","groupid":0,"tagid_list":[128,2],' +
      '"subscribe_scene":"ADD_SCENE_QR_CODE","qr_scene":98765,"qr_scene_str":""';
    await t.test("the same two keys at the end; nine fields were kept: all are, and no line breaks", async () => {
      assert.equal(await bodyOf(text("a", "1")), `${before("1")}{${all}},"userInfoError":""}`);
    });
    await t.test("an error is null and WeChat's words, as before", async () => {
      const error = `null,"userInfoError":"invalid openid"}`;
      assert.equal(await bodyOf(text("a", "2", "bad1")), before("2", "bad1") + error);
    });
    await t.test("each push of a user was one call of user/info: five are one", async () => {
      for (const id of ["11", "12", "13", "14", "15"]) await bodyOf(text("a", id, "oUSER5"));
      assert.equal(api.calls.filter(({ query }) => query["openid"] === "oUSER5").length, 1);
    });
    await t.test("unsubscribe is looked up, too, as before", async () => {
      const push = text("", "3").replace("text", "event").replace("<MsgId>3</MsgId>", "<Event>unsubscribe</Event>");
      assert.match((await bodyOf(push)) ?? "", /"userInfo":\{"subscribe":1,"openid":"oUSER1"/);
    });
  });
}
