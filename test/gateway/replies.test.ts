import assert from "node:assert/strict";
import { test } from "node:test";
import { createReplies } from "../../gateway/replies.ts";

const soon = () => Date.now() + 5000;
const reply = (correlationId: string, json = `{"msg":"hi"}`, headers: Record<string, unknown> = {}) => ({
  properties: { correlationId, headers },
  body: Buffer.from(json),
});

test("hands a reply to the push that waits for it, and to no other", async () => {
  const replies = createReplies(() => false);
  const [a, b] = ["a", "b"].map((identity) => replies.wait(identity, soon()));
  assert.equal(replies.take(reply("b", `{"msg":"你好"}`)), "used");
  assert.deepEqual(await b?.result, { kind: "reply", body: Buffer.from(`{"msg":"你好"}`) });
  assert.equal(replies.take(reply("a")), "used");
  assert.deepEqual(await a?.result, { kind: "reply", body: Buffer.from(`{"msg":"hi"}`) });
});

test("the first reply wins; the next is a duplicate once the push was answered", async () => {
  const replies = createReplies((identity) => identity === "a");
  const { result } = replies.wait("a", soon());
  assert.deepEqual([replies.take(reply("a", "1")), replies.take(reply("a", "2"))], ["used", "duplicate"]);
  assert.deepEqual(await result, { kind: "reply", body: Buffer.from("1") });
});

test("a reply that nobody waits for is late", () => {
  const replies = createReplies(() => false);
  assert.equal(replies.take(reply("a")), "late");
  assert.equal(replies.take({ properties: {}, body: Buffer.from("") }), "late");
});

test("at the deadline the wait is over, and what comes then is late", async () => {
  const replies = createReplies(() => false);
  const { result } = replies.wait("a", Date.now() + 30);
  assert.deepEqual(await result, { kind: "timeout" });
  assert.equal(replies.take(reply("a")), "late");
});

test("a deadline that is over ends the wait at once", async () => {
  const { result } = createReplies(() => false).wait("a", Date.now() - 1000);
  assert.deepEqual(await result, { kind: "timeout" });
});

test("a wait that was called off takes no reply", async () => {
  const replies = createReplies(() => false);
  const waiting = replies.wait("a", soon());
  waiting.cancel();
  assert.deepEqual(await waiting.result, { kind: "timeout" });
  assert.equal(replies.take(reply("a")), "late");
});

test("deferred ends the wait without a reply, and is never late itself", async () => {
  const replies = createReplies(() => false);
  const { result } = replies.wait("a", soon());
  assert.equal(replies.take(reply("a", `{"type":"success"}`, { "x-wx-deferred": true })), "used");
  assert.deepEqual(await result, { kind: "deferred" });
  assert.equal(replies.take(reply("a", "", { "x-wx-deferred": true })), "duplicate");
  assert.equal(replies.take(reply("a")), "late", "the reply itself may come after it");
});

test("only `x-wx-deferred: true` defers: with any other value it is a reply", async () => {
  const replies = createReplies(() => false);
  for (const deferred of [false, 1, "true", null]) {
    const { result } = replies.wait("a", soon());
    assert.equal(replies.take(reply("a", "{}", { "x-wx-deferred": deferred })), "used");
    assert.deepEqual(await result, { kind: "reply", body: Buffer.from("{}") });
  }
});

test("calling off an old wait leaves a newer one of the same push alone", async () => {
  const replies = createReplies(() => false);
  const old = replies.wait("a", soon());
  const { result } = replies.wait("a", soon());
  old.cancel();
  assert.equal(replies.take(reply("a")), "used");
  assert.deepEqual(await result, { kind: "reply", body: Buffer.from(`{"msg":"hi"}`) });
});
