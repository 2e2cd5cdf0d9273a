/**
 * What go-wx-gateway made of a backend's answer, where the answer is as before or mended.
 * Elsewhere: every body a backend can answer, both modes and buses (test/bridge/replies with test/fixtures/replies), the
 * bytes of replies and of the sealed envelope (test/gateway/render-reply), statuses (test/dispatcher/forward), 307 and 308
 * (test/dispatcher/forward-redirect), Content-Type (test/gateway/http).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { busKinds, createSystem } from "../bridge/system.ts";
import { createBackend, type BackendAnswer } from "../support/backend-server.ts";

const hello = { type: "text", msg: "hello" };
let serial = 0;
const text = (openid = "oUSER1") =>
  `<xml><ToUserName>gh_test</ToUserName><FromUserName>${openid}</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><MsgId>${++serial}</MsgId><Content>a</Content></xml>`;
const reply = (content: string, openid = "oUSER1") =>
  `<xml>\n<ToUserName><![CDATA[${openid}]]></ToUserName>\n<FromUserName><![CDATA[gh_test]]></FromUserName>\n<CreateTime>N</CreateTime>\n` +
  `<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[${content}]]></Content>\n</xml>`;
const withoutTime = (opened: string) => opened.replace(/<CreateTime>\d+</, "<CreateTime>N<");

const answers: [fact: string, answer: BackendAnswer, opened: string][] = [
  ["the same bytes as before", { body: hello }, reply("hello")],
  [
    "]]> broke out of its element: it cannot",
    { body: { msg: "你好 <a>&]]></Content>X" } },
    reply("你好 <a>&]]]]><![CDATA[></Content>X"),
  ],
  ["the status was ignored: 500 is a failure, whatever the body", { status: 500, body: hello }, "success"],
  [
    "a 302 was followed with GET: it is a failure",
    { status: 302, headers: { location: "/other" }, body: "" },
    "success",
  ],
  ["404 and HTML is success, as before", { status: 404, body: "<html></html>" }, "success"],
  ["a reset is success, as before", "reset", "success"],
  ["half an answer is success, as before", "truncate", "success"],
  ["silence is success, as before", "hang", "success"],
  [
    "music was unknown",
    { body: { type: "music", msg: "M", title: "T" } },
    reply("").replace(
      /<MsgType>[^]*/,
      "<MsgType><![CDATA[music]]></MsgType>\n<Music>\n<Title><![CDATA[T]]></Title>\n<ThumbMediaId><![CDATA[M]]></ThumbMediaId>\n</Music>\n</xml>",
    ),
  ],
];

for (const bus of busKinds) {
  for (const sealed of [true, false]) {
    test(`${bus}, ${sealed ? "sealed" : "plain"}: answers`, async (t) => {
      const backend = await createBackend(t);
      const services = [{ name: "account", sealed, "msg-proxy-pass": backend.url, retry: [], "reply-budget": 700 }];
      const system = await createSystem(t, { bus, services });
      for (const [fact, answer, opened] of answers) {
        await t.test(fact, async () => {
          backend.answer(answer);
          const given = await system.wechat("account").push(text());
          assert.deepEqual([given.status, withoutTime(given.opened)], [200, opened]);
          assert.equal((await backend.next(1))[0]?.path, "/msg/text");
          // success was sealed for these, but not for an unknown kind: it never is
          assert.equal(given.sealed, sealed && opened !== "success");
          assert.equal(
            given.headers["content-type"],
            `text/${given.body === "success" ? "plain" : "xml"}; charset=utf-8`,
          );
        });
      }
      await t.test("a FromUserName with ]]> broke out of its element: it cannot", async () => {
        backend.answer({ body: hello });
        const given = await system.wechat("account").push(text("o]]&gt;<![CDATA[<x>]]>"));
        assert.equal(withoutTime(given.opened), reply("hello", "o]]]]><![CDATA[><x>"));
      });
      assert.equal(backend.requests.length, answers.length + 1, "something was asked twice");
    });

    test(`${bus}, ${sealed ? "sealed" : "plain"}: stores`, async (t) => {
      const backend = await createBackend(t);
      const services = [{ name: "store", sealed, "is-channels-ec": true, "msg-proxy-pass": backend.url, retry: [] }];
      const system = await createSystem(t, { bus, services });
      const rows: [fact: string, answer: BackendAnswer, opened: string, isSealed: boolean][] = [
        [
          "msg is the answer, whatever type says; it was never sealed: it is in safe mode",
          { body: { type: "image", msg: "raw 1" } },
          "raw 1",
          sealed,
        ],
        ["no msg was an empty answer: it is success", { body: { type: "text" } }, "success", false],
        ["a failing backend is success, as before", { status: 500 }, "success", false],
      ];
      for (const [fact, answer, opened, isSealed] of rows) {
        await t.test(fact, async () => {
          backend.answer(answer);
          const push = `{"ToUserName":"gh_ec","FromUserName":"oEC1","CreateTime":${++serial},"MsgType":"event","Event":"channels_ec_order_pay","order_info":{"order_id":3705115058471208928,"pay_time":1658509200}}`;
          const given = await system.wechat("store").push(push);
          assert.deepEqual([given.status, given.opened, given.sealed], [200, opened, isSealed]);
          const [request] = await backend.next(1);
          assert.deepEqual([request?.path, request?.body], ["/event/channels_ec_order_pay", push]);
        });
      }
    });
  }
}
