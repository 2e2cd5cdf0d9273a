import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createBackend, createHeldAnswer } from "../support/backend-server.ts";
import { until } from "../support/until.ts";
import { parseReply } from "../support/wechat-reply.ts";
import type { PushAnswer, Wechat } from "../support/wechat-server.ts";
import { createSystem, type System } from "./system.ts";

const services = (url: string) => [{ name: "slow", "msg-proxy-pass": url, "reply-window": "retries" }];

function text(id: number, ageSeconds = 0): string {
  const createTime = Math.floor(Date.now() / 1000) - ageSeconds;
  return `<xml><ToUserName>gh_1</ToUserName><FromUserName>oUSER1</FromUserName><CreateTime>${createTime}</CreateTime>
<MsgType>text</MsgType><Content>${id}</Content><MsgId>${id}</MsgId></xml>`;
}

/**
 * Pushes as WeChat does: hangs up after 5 s and tries again, three times in all; the tries after the first not before the
 * push is `age` seconds old. With `cutAfter` (ms) something in between hangs up on the first two sooner.
 */
async function pushWithRetries(
  wechat: Wechat,
  body: string,
  { age = 0, cutAfter = 5000 } = {},
): Promise<(PushAnswer | "no answer")[]> {
  const tries: (PushAnswer | "no answer")[] = [];
  const createdAt = Number(/<CreateTime>(\d+)/.exec(body)?.[1]) * 1000;
  for (let i = 0; i < 3; i++) {
    if (i > 0) await sleep(Math.max(createdAt + age * 1000 - Date.now(), 0));
    const timeoutMs = i < 2 ? cutAfter : 5000;
    const answer = await wechat.push(body, { timeoutMs }).catch(() => "no answer" as const);
    tries.push(answer);
    if (answer !== "no answer") break;
  }
  return tries;
}

/** What WeChat got in each try. */
function opened(tries: (PushAnswer | "no answer")[]): string[] {
  return tries.map((answer) => (answer === "no answer" ? answer : answer.opened));
}

/** Each of these outcomes has been counted once, and no other. */
async function countedOnce(system: System, outcomes: string[]): Promise<void> {
  const counted = (await system.metrics()).matchAll(/^wx_pushes_total\{.*outcome="([\w-]+)"\} (\d+)$/gm);
  const counts = new Map([...counted].map(([, outcome, count]) => [outcome, count]));
  assert.deepEqual(counts, new Map(outcomes.toSorted().map((outcome) => [outcome, "1"])));
}

void test("when the next try comes while one is held, only the newest one carries the reply", async (t) => {
  const backend = await createBackend(t, { body: { type: "text", msg: "once" }, delayMs: 1500 });
  const system = await createSystem(t, { bus: "in-process", services: services(backend.url) });
  const wechat = system.wechat("slow");
  const body = text(21);
  const first = wechat.push(body).then(
    () => "answered",
    (error: Error & { code?: string }) => error.code,
  );
  await backend.next(1);
  const second = await wechat.push(body);
  assert.equal(await first, "ECONNRESET");
  assert.equal(parseReply(second.opened)["Content"], "once");
  assert.equal(backend.requests.length, 1);
  await wechat.push(body);
  await countedOnce(system, ["hang-up", "replied", "repeat"]);
});

void test("a reply that comes when WeChat has hung up is not counted as given; the next try gets it", async (t) => {
  const { handler, release } = createHeldAnswer({ body: { type: "text", msg: "kept" } });
  const backend = await createBackend(t, handler);
  const system = await createSystem(t, { bus: "in-process", services: services(backend.url) });
  const wechat = system.wechat("slow");
  const body = text(31);
  const hungUp = new AbortController();
  const first = assert.rejects(wechat.push(body, { signal: hungUp.signal }));
  await backend.next(1);
  hungUp.abort();
  await first;
  await wechat.verifyUrl("echo"); // behind what the server has heard of the other connection
  release();
  await until(async () => (await system.metrics()).includes('outcome="hang-up"} 1'), "it is counted");
  await countedOnce(system, ["hang-up"]);
  assert.equal(parseReply((await wechat.push(body)).opened)["Content"], "kept");
  assert.equal(backend.requests.length, 1);
});

// Each of them waits for what WeChat waits for.
void describe("to WeChat's own times", { concurrency: true }, () => {
  void test("a backend that needs 7 s answers through WeChat's second try, one that needs 13 s through the third", async (t) => {
    const delays: Record<string, number> = { 1: 7000, 2: 13_000, 3: 200 };
    const backend = await createBackend(t, ({ json }) => {
      const { Content } = json as { Content: string };
      return { body: { type: "text", msg: `answer ${Content}` }, delayMs: delays[Content] ?? 0 };
    });
    const system = await createSystem(t, { bus: "in-process", services: services(backend.url) });
    const wechat = system.wechat("slow");
    const all = await Promise.all([1, 2, 3].map((id) => pushWithRetries(wechat, text(id))));
    const seen = all.map((tries) =>
      tries.map((answer) => (answer === "no answer" ? answer : parseReply(answer.opened)["Content"])),
    );
    assert.deepEqual(seen, [["no answer", "answer 1"], ["no answer", "no answer", "answer 2"], ["answer 3"]]);
    assert.equal(backend.requests.length, 3);
  });

  void test("the last try is never left unanswered: by count, by age, and when its number is unknown", async (t) => {
    const backend = await createBackend(t, "hang");
    const system = await createSystem(t, { bus: "in-process", services: services(backend.url) });
    const wechat = system.wechat("slow");
    const [byCount, byAge, unknown] = await Promise.all([
      pushWithRetries(wechat, text(11), { cutAfter: 1000 }),
      pushWithRetries(wechat, text(12, 2), { age: 10 }),
      pushWithRetries(wechat, text(13, 5)),
    ]);
    assert.deepEqual(opened(byCount), ["no answer", "no answer", "success"]);
    assert.deepEqual(opened(byAge), ["no answer", "success"]);
    assert.deepEqual(opened(unknown), ["success"]);
  });

  void test("a sender that does not hang up is hung up on, without a byte, before it has waited for long", async (t) => {
    const backend = await createBackend(t, "hang");
    const system = await createSystem(t, { bus: "in-process", services: services(backend.url) });
    await assert.rejects(system.wechat("slow").push(text(41)), { code: "ECONNRESET" });
  });
});
