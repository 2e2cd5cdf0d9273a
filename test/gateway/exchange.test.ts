import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { createExchange } from "../../gateway/exchange.ts";
import type { Held, Hold } from "../../gateway/hold.ts";
import type { Answer } from "../../gateway/once.ts";
import { createReplies, type Replies } from "../../gateway/replies.ts";
import type { Spooled } from "../../gateway/spool-table.ts";
import { createNames } from "../../shared/bus/names.ts";
import { parsePush } from "../../shared/wechat/push.ts";
import { accountOf } from "../shared/config/sample-config.ts";
import { holdUp } from "../support/hold-up.ts";

/** The exchange of an account whose pushes are held by `hold`, `budget` ms from now, and the replies that it waits for. */
async function createExchanging(hold: Hold, settings: Record<string, unknown> = {}, budget = 60_000) {
  const replies = createReplies(() => false);
  const replyQueue = { name: "wx.replies.1" };
  const account = await accountOf({ name: "shop", ...settings });
  const exchange = createExchange({ account, names: createNames("wx"), replies, replyQueue, hold });
  const deadline = Date.now() + budget;
  return {
    replies,
    /** Exchanges a push that holds these elements. */
    exchange: (elements: string): Promise<Answer> => {
      const push = parsePush(Buffer.from(`<xml>${elements}<MsgId>1</MsgId></xml>`), "shop");
      return exchange(push, { holdBy: deadline, deadline });
    },
  };
}

/** Whose push it is for the spool, which keeps that in memory. */
async function userOf(FromUserName: string): Promise<string> {
  const users: string[] = [];
  const { exchange } = await createExchanging(async ({ user }) => {
    users.push(user);
    return "spooled";
  });
  await exchange(`<FromUserName>${FromUserName}</FromUserName><MsgType>text</MsgType>`);
  return users[0] ?? assert.fail("not held");
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
  const published: Spooled["message"][] = [];
  const { exchange, replies } = await createExchanging(async ({ message }) => {
    published.push(message);
    meanwhile?.(replies, message.properties.messageId ?? "");
    return held;
  }, settings);
  const kind = event === undefined ? "<MsgType>text</MsgType>" : `<MsgType>event</MsgType><Event>${event}</Event>`;
  const answer = await exchange(`<FromUserName>o1</FromUserName>${kind}`);
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
    const { exchange, replies } = await createExchanging(hold);
    await exchange("<FromUserName>o1</FromUserName><MsgType>text</MsgType>").catch(() => {});
    assert.equal(replies.take({ properties: { correlationId: "shop/o1/1" }, body: Buffer.from("{}") }), "late");
  }
});

test("a push must be held by its own time, whenever its reply has to be there", async () => {
  for (const reply of [["#"], []]) {
    const times: number[] = [];
    const exchange = createExchange({
      account: await accountOf({ reply }),
      names: createNames("wx"),
      replies: createReplies(() => false),
      replyQueue: { name: "wx.replies.1" },
      hold: async (_push, deadline) => {
        times.push(deadline);
        return "spooled";
      },
    });
    const push = parsePush(Buffer.from("<xml><MsgType>text</MsgType><MsgId>1</MsgId></xml>"), "shop");
    const holdBy = Date.now() + 60_000;
    await exchange(push, { holdBy, deadline: holdBy + 10_000 });
    assert.deepEqual(times, [holdBy]);
  }
});

test("a push without a reply in time is late, or deferred when its consumer has said that none comes", async () => {
  const replies = createReplies(() => false);
  const exchange = createExchange({
    account: await accountOf({}),
    names: createNames("wx"),
    replies,
    replyQueue: { name: "wx.replies.1" },
    hold: async () => "routed",
  });
  const push = parsePush(Buffer.from("<xml><MsgType>text</MsgType><MsgId>1</MsgId></xml>"), "shop");
  const deadline = Date.now() + 60_000;
  const giveUp = new AbortController();
  const outcomes = [exchange(push, { holdBy: deadline, deadline, giveUp: giveUp.signal })];
  giveUp.abort();
  await outcomes[0];
  outcomes.push(exchange(push, { holdBy: deadline, deadline }));
  const properties = { correlationId: push.identity, headers: { "x-wx-deferred": true } };
  void replies.take({ properties, body: Buffer.from("{}") });
  assert.deepEqual(await Promise.all(outcomes), [
    { reply: { type: "success" }, outcome: "late" },
    { reply: { type: "success" }, outcome: "deferred" },
  ]);
});

for (const [lateReply, outcome] of [
  ["drop", "replied"],
  ["customer-service", "late"],
] as const) {
  test(`late-reply ${lateReply}: a reply that lay unread until the budget was over is ${outcome}`, async (t) => {
    const { port1, port2 } = new MessageChannel();
    t.after(() => port1.close());
    const hold: Hold = async ({ message }) => {
      const { messageId: correlationId = "" } = message.properties;
      port2.on(
        "message",
        () => void replies.take({ properties: { correlationId }, body: Buffer.from(`{"msg":"hi"}`) }),
      );
      port1.postMessage("it came");
      holdUp(10);
      return "routed";
    };
    const settings = { "late-reply": lateReply, "wx-params": { token: "T", "app-id": "wx1", "app-secret": "S" } };
    const { exchange, replies } = await createExchanging(hold, settings, 1);
    await nextTurn(); // what comes next then is timers, and what can be read only after them
    assert.equal((await exchange("<FromUserName>o1</FromUserName><MsgType>text</MsgType>")).outcome, outcome);
  });
}
