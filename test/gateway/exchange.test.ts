import assert from "node:assert/strict";
import { test } from "node:test";
import { createExchange } from "../../gateway/exchange.ts";
import { createReplies } from "../../gateway/replies.ts";
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
