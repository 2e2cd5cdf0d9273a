import assert from "node:assert/strict";
import { test } from "node:test";
import { createExchange } from "../../gateway/exchange.ts";
import type { Held } from "../../gateway/hold.ts";
import type { Answer } from "../../gateway/once.ts";
import { createReplies, type Replies } from "../../gateway/replies.ts";
import type { Spooled } from "../../gateway/spool-table.ts";
import { createNames } from "../../shared/bus/names.ts";
import { parsePush } from "../../shared/wechat/push.ts";
import { accountOf } from "../shared/config/sample-config.ts";

/** Whose push it is for the spool, which keeps that in memory. */
async function userOf(FromUserName: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const exchange = createExchange({
    account: await accountOf({ name: "shop" }),
    names: createNames("wx"),
    replies: createReplies(() => false),
    replyQueue: { name: "wx.replies.1" },
    hold: async ({ user }) => {
      resolve(user);
      return "spooled";
    },
  });
  const push = parsePush(
    Buffer.from(`<xml><FromUserName>${FromUserName}</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId></xml>`),
    "shop",
  );
  const deadline = Date.now() + 1000;
  await exchange(push, { holdBy: deadline, deadline });
  return promise;
}

test("a push on disk is its account's and its user's", async () => {
  assert.equal(await userOf("oUSER1"), "shop/oUSER1");
});

test("users with names of any length stay apart, and take little memory each", async () => {
  const [one, other] = await Promise.all([userOf("o".repeat(500_000)), userOf("o".repeat(500_001))]);
  assert.match(one, /^shop\/[\w-]{43}$/);
  assert.notEqual(one, other);
  assert.equal(await userOf("o".repeat(500_000)), one);
});

interface Exchanged {
  answer: Answer;
  message: Spooled["message"];
}

/** What becomes of a push that is `held` so; `meanwhile` happens before that is known. */
async function exchangeOf(
  settings: Record<string, unknown>,
  held: Held,
  { event, meanwhile }: { event?: string; meanwhile?: (replies: Replies, identity: string) => void } = {},
): Promise<Exchanged> {
  const replies = createReplies(() => false);
  const published: Spooled["message"][] = [];
  const exchange = createExchange({
    account: await accountOf(settings),
    names: createNames("wx"),
    replies,
    replyQueue: { name: "wx.replies.1" },
    async hold({ message }) {
      published.push(message);
      meanwhile?.(replies, message.properties.messageId ?? "");
      return held;
    },
  });
  const kind = event === undefined ? "<MsgType>text</MsgType>" : `<MsgType>event</MsgType><Event>${event}</Event>`;
  const push = parsePush(Buffer.from(`<xml><FromUserName>o1</FromUserName>${kind}<MsgId>1</MsgId></xml>`), "shop");
  const deadline = Date.now() + 60_000;
  const answer = await exchange(push, { holdBy: deadline, deadline });
  return { answer, message: published[0] ?? assert.fail("not published") };
}

const replied = (json: string) => ({
  meanwhile: (replies: Replies, correlationId: string) =>
    void replies.take({ properties: { correlationId }, body: Buffer.from(json) }),
});

test("a reply that is here before the broker has confirmed the push is its answer", async () => {
  const { answer } = await exchangeOf({}, "routed", replied(`{"msg":"quick"}`));
  assert.deepEqual(answer, { reply: { type: "text", msg: "quick" }, outcome: "replied" });
});

test("transfer_customer_service answers messages only: to an event it is a reply that cannot be used", async () => {
  const transfer = replied(`{"type":"transfer_customer_service"}`);
  const { answer } = await exchangeOf({}, "routed", transfer);
  assert.deepEqual(answer, { reply: { type: "transfer_customer_service" }, outcome: "replied" });
  const { answer: toEvent } = await exchangeOf({}, "routed", { event: "CLICK", ...transfer });
  const unusable = "transfer_customer_service answers messages only, not events";
  assert.deepEqual(toEvent, { reply: { type: "success" }, outcome: "silent", unusable });
});

test("a push that goes to disk, as the broker has not confirmed it, is answered with the reply that has come all the same", async () => {
  const { answer } = await exchangeOf({}, "spooled", replied(`{"msg":"quick"}`));
  assert.deepEqual(answer, { reply: { type: "text", msg: "quick" }, outcome: "replied" });
});

test("a store's reply is raw, whoever gives it", async () => {
  const { answer } = await exchangeOf({ "is-channels-ec": true }, "routed", replied(`{"type":"text","msg":"{}"}`));
  assert.deepEqual(answer, { reply: { type: "raw", msg: "{}" }, outcome: "replied" });
});

for (const held of ["unrouted", "spooled"] as const) {
  test(`a push that is ${held} is answered at once, and counted as that, whether its key waits for a reply or not`, async () => {
    for (const reply of [["#"], []]) {
      assert.deepEqual((await exchangeOf({ reply }, held)).answer, { reply: { type: "success" }, outcome: held });
    }
  });
}

test("only pushes whose key is among those that wait name a reply queue, the others are answered at once", async () => {
  const settings = { reply: ["msg.*", "event.CLICK"] };
  const asked = [
    await exchangeOf(settings, "routed", replied("{}")),
    await exchangeOf(settings, "routed", { event: "CLICK", ...replied("{}") }),
    await exchangeOf(settings, "routed", { event: "VIEW" }),
  ];
  assert.deepEqual(
    asked.map(({ answer, message: { properties } }) => [answer.outcome, properties.replyTo]),
    [
      ["silent", "wx.replies.1"],
      ["silent", "wx.replies.1"],
      ["unawaited", undefined],
    ],
  );
});

test("a push that is not held, or is on disk, waits for its reply no longer: one that comes then is late", async () => {
  for (const hold of [async () => "spooled" as const, async () => Promise.reject(new Error("not held"))]) {
    const replies = createReplies(() => false);
    const exchange = createExchange({
      account: await accountOf({ name: "shop" }),
      names: createNames("wx"),
      replies,
      replyQueue: { name: "wx.replies.1" },
      hold,
    });
    const push = parsePush(Buffer.from("<xml><MsgType>text</MsgType><MsgId>1</MsgId></xml>"), "shop");
    const deadline = Date.now() + 60_000;
    await exchange(push, { holdBy: deadline, deadline }).catch(() => {});
    assert.equal(replies.take({ properties: { correlationId: push.identity }, body: Buffer.from("{}") }), "late");
  }
});
