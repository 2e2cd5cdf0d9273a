import assert from "node:assert/strict";
import { test } from "node:test";
import type { Limits } from "../../gateway/exchange.ts";
import { createOnce } from "../../gateway/once.ts";
import { createRetriesWindow } from "../../gateway/tries.ts";
import { DigestSet } from "../../shared/digest-set.ts";
import { success } from "../../shared/reply.ts";
import { parsePush } from "../../shared/wechat/push.ts";
import { accountOf } from "../shared/config/sample-config.ts";

test('`reply-window: "retries"`: the reply may come until the third try, the push is held inside the first one', async () => {
  const account = await accountOf({ "reply-window": "retries", "reply-budget": 4000 });
  const asked: Limits[] = [];
  const answerTry = createRetriesWindow(
    account,
    async (_push, limits) => {
      asked.push(limits);
      return { reply: success, outcome: "silent" };
    },
    createOnce(new DigestSet(10)),
  );
  const arrivedAt = Date.now();
  for (const [id, age] of [2, 5].entries()) {
    const CreateTime = Math.floor(arrivedAt / 1000) - age;
    const xml = `<xml><CreateTime>${CreateTime}</CreateTime><MsgType>text</MsgType><MsgId>${id}</MsgId></xml>`;
    await answerTry(parsePush(Buffer.from(xml), "shop"), { arrivedAt, isOpen: () => true });
  }
  assert.deepEqual(
    asked.map(({ holdBy, deadline }) => [holdBy - arrivedAt, deadline - arrivedAt]),
    [
      [4000, 14_000],
      [4000, 4000], // too old for a first try, it may be the last one
    ],
  );
});
