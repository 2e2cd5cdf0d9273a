import assert from "node:assert/strict";
import { test } from "node:test";
import { createOnce, type Answer } from "../../gateway/once.ts";
import { createReplies } from "../../gateway/replies.ts";
import { createReplyTaker } from "../../gateway/reply-taker.ts";
import type { Delivery } from "../../shared/bus/bus.ts";
import { DigestSet } from "../../shared/digest-set.ts";
import { createMetrics } from "../../shared/metrics.ts";
import { createTestLog } from "../shared/bus/test-log.ts";
import { configOf, service } from "../shared/config/sample-config.ts";

const late: Answer = { reply: { type: "success" }, outcome: "late" };
const hello = `{"type":"text","msg":"hello"}`;

/** Takes replies to the pushes of three accounts: `shop` drops late ones, `sends` sends them, `store` is a store. */
async function createFixture() {
  const settings = { shop: {}, sends: { "late-reply": "customer-service" }, store: { "is-channels-ec": true } };
  const services = Object.entries(settings).map(([name, others]) =>
    service({ name, "listen-endpoints": { "service-path": `/${name}` }, ...others }),
  );
  const metrics = createMetrics();
  const { log, lines } = createTestLog();
  const once = createOnce(new DigestSet(10));
  const replies = createReplies((identity) => once.wasReplied(identity));
  const take = createReplyTaker(await configOf({ services }), replies, once, log, metrics);

  /** How the reply's delivery ends. */
  function reply(correlationId: string, json: string, headers = {}): Promise<"ack" | "reject"> {
    return new Promise((resolve) => {
      take({
        properties: { correlationId, headers },
        body: Buffer.from(json),
        ack: () => resolve("ack"),
        reject: () => resolve("reject"),
      } as Delivery);
    });
  }

  return {
    reply,
    replies,
    once,
    lines: lines.all,
    /** What WeChat gets when it pushes again. */
    again: async (identity: string): Promise<Answer> =>
      (await once.share(identity, () => assert.fail("started again"))).answer,
    counted: async (): Promise<string[]> => {
      const series = (await metrics.registry.metrics()).matchAll(/^wx_replies_total(\{.*\} [1-9]\d*)$/gm);
      return [...series].map(([, counted]) => counted ?? "").toSorted();
    },
  };
}

test("only a late reply goes on to the late ones, and only where the account wants that", async () => {
  const { reply, replies, once, counted, lines } = await createFixture();
  for (const name of ["shop", "sends"]) await once.share(`${name}/o1/late`, async () => late);
  const replied: Answer = { reply: { type: "text", msg: "hello" }, outcome: "replied" };
  await once.share("sends/o1/replied", async () => replied);
  void replies.wait("sends/o1/waits", Date.now() + 60_000);
  const ends = [];
  for (const id of ["shop/o1/late", "sends/o1/late", "sends/o1/replied", "sends/o1/waits"]) {
    ends.push(await reply(id, hello));
  }
  assert.deepEqual(ends, ["ack", "reject", "ack", "ack"]);
  assert.deepEqual(await counted(), [
    `{service="sends",outcome="duplicate"} 1`,
    `{service="sends",outcome="late"} 1`,
    `{service="sends",outcome="used"} 1`,
    `{service="shop",outcome="late"} 1`,
  ]);
  const unused = lines.map(({ msg, identity, fate }) => [msg, identity, fate]);
  assert.deepEqual(unused, [
    ["reply not used", "shop/o1/late", "late"],
    ["reply not used", "sends/o1/late", "late"],
    ["reply not used", "sends/o1/replied", "duplicate"],
  ]);
});

test("a reply whose push's answer is under way ends when that is there", async () => {
  const { reply, once } = await createFixture();
  for (const [id, outcome] of [
    ["sends/o1/1", "replied"],
    ["sends/o1/2", "late"],
  ] as const) {
    const answer = Promise.withResolvers<Answer>();
    const sharing = once.share(id, () => answer.promise);
    const ending = reply(id, hello);
    answer.resolve({ ...late, outcome });
    await sharing;
    assert.equal(await ending, outcome === "late" ? "reject" : "ack");
  }
});

test("a store's late reply is what WeChat's next try gets, whatever type it names", async () => {
  const { reply, once, again } = await createFixture();
  await once.share("store/o1/1", async () => late);
  await reply("store/o1/1", `{"type":"text","msg":"{}"}`);
  assert.deepEqual(await again("store/o1/1"), { reply: { type: "raw", msg: "{}" }, outcome: "replied" });
});

test("a second reply with data does not take the place of the first one", async () => {
  const { reply, once, again } = await createFixture();
  const answer: Answer = { reply: { type: "text", msg: "first" }, outcome: "replied" };
  await once.share("shop/o1/1", async () => answer);
  await reply("shop/o1/1", `{"type":"raw","msg":"second"}`);
  assert.deepEqual(await again("shop/o1/1"), answer);
});

test("a reply is that of the account which its header names, else of the one in its identity, else of none", async () => {
  const { reply, counted, lines } = await createFixture();
  assert.equal(await reply("shop/o1/1", hello, { "x-wx-service": "sends" }), "reject");
  assert.equal(await reply("sends/o1/2", hello, { "x-wx-service": "nobody" }), "reject");
  assert.equal(await reply("sends/o1/3", hello, { "x-wx-service": 3 }), "reject");
  assert.equal(await reply("no identity", hello), "ack");
  assert.deepEqual(await counted(), [`{service="other",outcome="late"} 1`, `{service="sends",outcome="late"} 3`]);
  const reason = "its correlation_id is not that of an event";
  assert.deepEqual(
    lines.map(({ level, msg, ...line }) => [level, msg, line["identity"], line["reason"]]),
    [
      [30, "reply not used", "shop/o1/1", undefined],
      [30, "reply not used", "sends/o1/2", undefined],
      [30, "reply not used", "sends/o1/3", undefined],
      [40, "reply not used", "no identity", reason],
    ],
  );
});
