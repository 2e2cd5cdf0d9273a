import assert from "node:assert/strict";
import { test } from "node:test";
import { replies, type ReplyFixture } from "../fixtures/replies.ts";
import { createBackend } from "../support/backend-server.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { busKinds, createSystem } from "./system.ts";

const user = "oia2TjuEGTNoeX76QEjQNrcURxG8";
const account = "gh_7f083739789a";

for (const bus of busKinds) {
  for (const sealed of [true, false]) {
    void test(`${bus}, ${sealed ? "sealed" : "plain"}: every kind of reply becomes the right answer`, async (t) => {
      const backend = await createBackend(t, ({ json }) => {
        const index = Number((json as { Content: string }).Content);
        const { status = 200, contentType = "application/json; charset=UTF-8", body } = at(index).backend;
        return { status, headers: { "content-type": contentType }, body };
      });
      const services = [{ name: "account", sealed, "msg-proxy-pass": backend.url, retry: [] }];
      const system = await createSystem(t, { bus, services });
      await Promise.all(
        replies.map(async (fixture, index) => {
          const answer = await system.wechat("account").push(message(index));
          assert.equal(answer.status, 200, fixture.name);
          assert.equal(answer.sealed, sealed && fixture.reply !== "success", fixture.name);
          assertAnswer(answer.opened, fixture);
        }),
      );
    });

    void test(`${bus}, ${sealed ? "sealed" : "plain"}: a JSON push is answered in JSON`, async (t) => {
      const backend = await createBackend(t, { body: { type: "news", articles: [{ title: "T", url: "http://u/" }] } });
      const system = await createSystem(t, {
        bus,
        services: [{ name: "mini", sealed, "msg-proxy-pass": backend.url }],
      });
      const push = { ToUserName: account, FromUserName: user, CreateTime: 1, MsgType: "text", Content: "x", MsgId: 7 };
      const answer = await system.wechat("mini").push(JSON.stringify(push));
      assert.equal(answer.verified, sealed);
      const { CreateTime, ...content } = JSON.parse(answer.opened) as Record<string, unknown>;
      assert.equal(typeof CreateTime, "number");
      assert.deepEqual(content, {
        ToUserName: user,
        FromUserName: account,
        MsgType: "news",
        ArticleCount: 1,
        Articles: [{ Title: "T", Description: "", PicUrl: "", Url: "http://u/" }],
      });
    });
  }
}

function at(index: number): ReplyFixture {
  return replies[index] as ReplyFixture;
}

function message(index: number): string {
  return `<xml><ToUserName><![CDATA[${account}]]></ToUserName><FromUserName><![CDATA[${user}]]></FromUserName>
<CreateTime>1348831860</CreateTime><MsgType><![CDATA[text]]></MsgType><Content>${index}</Content>
<MsgId>${23000000000000000n + BigInt(index)}</MsgId></xml>`;
}

function assertAnswer(opened: string, { name, reply, xml }: ReplyFixture): void {
  if (reply === "success") return assert.equal(opened, "success", name);
  if ("raw" in reply) return assert.equal(opened, reply.raw, name);
  const { CreateTime, ToUserName, FromUserName, ...content } = parseReply(opened);
  assert.deepEqual({ ToUserName, FromUserName }, { ToUserName: user, FromUserName: account }, name);
  assert.deepEqual(textual(content), reply, name);
  assert.equal(opened, xml?.replace("{CreateTime}", String(CreateTime)), name);
}

/** The fixtures hold text for every value, as XML does. */
function textual(value: unknown): unknown {
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(textual);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, textual(inner)]));
}
