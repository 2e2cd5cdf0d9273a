import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { createOnce, type Answer } from "../../gateway/once.ts";
import { DigestSet, digestOf } from "../../shared/digest-set.ts";

const hello: Answer = { reply: { type: "text", msg: "hello" }, outcome: "replied" };
const silent: Answer = { reply: { type: "success" }, outcome: "silent" };
const numbered = (i: number): Answer => ({ ...hello, reply: { type: "text", msg: `你好 ${i}` } });
const data = (msg: string): Answer => ({ reply: { type: "raw", msg }, outcome: "replied" });
const repeat = { answer: { reply: { type: "success" }, outcome: "repeat" }, isRepeat: true };

/** Time passes by `mock.timers.tick` alone. */
function stopTime(t: TestContext): void {
  mock.timers.enable({ apis: ["Date", "setTimeout"], now: 1_000_000 });
  const time = mock.method(performance, "now", () => Date.now());
  t.after(() => {
    mock.timers.reset();
    time.mock.restore();
  });
}

/** A start that counts its calls and waits to be ended. */
function createStart() {
  const ends: PromiseWithResolvers<Answer>[] = [];
  const start = () => {
    const end = Promise.withResolvers<Answer>();
    ends.push(end);
    return end.promise;
  };
  return { start, ends };
}

test("tries in flight share one start and one answer", async () => {
  const once = createOnce(new DigestSet(100));
  const { start, ends } = createStart();
  const tries = [once.share("a", start), once.share("a", start), once.share("a", start)];
  assert.equal(ends.length, 1);
  ends[0]?.resolve(hello);
  assert.deepEqual(await Promise.all(tries), [
    { answer: hello, isRepeat: false },
    { answer: hello, isRepeat: true },
    { answer: hello, isRepeat: true },
  ]);
});

test("a try gets the answer of the one in flight also when another gateway turns out to have published the push", async () => {
  const published = new DigestSet(100);
  const once = createOnce(published);
  const { start, ends } = createStart();
  const first = once.share("a", start);
  published.add(digestOf("a")); // as it does that takes a folder over
  const second = once.share("a", start);
  ends[0]?.resolve(hello);
  assert.deepEqual(await Promise.all([first, second]), [
    { answer: hello, isRepeat: false },
    { answer: hello, isRepeat: true },
  ]);
});

test("a try that comes after the answer gets the same one", async () => {
  const once = createOnce(new DigestSet(100));
  await once.share("a", async () => hello);
  assert.deepEqual(await once.share("a", () => assert.fail("started again")), { answer: hello, isRepeat: true });
});

test("other pushes are started on their own, also of the same user and second", async () => {
  const once = createOnce(new DigestSet(100));
  await once.share("shop/oUSER/1.SCAN.AAAA", async () => hello);
  const other = await once.share("shop/oUSER/1.SCAN.BBBB", async () => silent);
  assert.deepEqual(other, { answer: silent, isRepeat: false });
});

test("a failure reaches all who wait, and is forgotten", async () => {
  const once = createOnce(new DigestSet(100));
  const { start, ends } = createStart();
  const tries = [once.share("a", start), once.share("a", start)];
  ends[0]?.reject(new Error("not held"));
  for (const result of await Promise.allSettled(tries)) {
    assert.deepEqual([result.status, String(Object(result).reason)], ["rejected", "Error: not held"]);
  }
  assert.deepEqual(await once.share("a", async () => hello), { answer: hello, isRepeat: false });
});

test("after 60 s the answer is gone, but the push is not started again", async (t) => {
  stopTime(t);
  const once = createOnce(new DigestSet(100));
  await once.share("a", async () => hello);
  mock.timers.tick(59_000);
  assert.deepEqual((await once.share("a", () => assert.fail("started"))).answer, hello);
  mock.timers.tick(2000);
  assert.deepEqual(await once.share("a", () => assert.fail("started")), repeat);
});

test("a data answer is kept for 6 h, and one that comes late takes the place of success; the first one stays", async (t) => {
  stopTime(t);
  const once = createOnce(new DigestSet(100));
  await once.share("a", async () => data("1"));
  await once.share("b", async () => ({ ...silent, outcome: "late" }));
  once.replyLate("b", { type: "text", msg: "hello" });
  assert.equal((await once.share("b", () => assert.fail("started"))).answer.outcome, "late");
  once.replyLate("b", data("2").reply);
  once.replyLate("b", data("3").reply);
  const answers = () => Promise.all(["a", "b"].map((id) => once.share(id, () => assert.fail("started"))));
  const both = [data("1"), data("2")].map((answer) => ({ answer, isRepeat: true }));
  assert.deepEqual(await answers(), both);
  mock.timers.tick(5 * 3_600_000);
  assert.deepEqual(await answers(), both);
  mock.timers.tick(2 * 3_600_000);
  assert.deepEqual(await answers(), [repeat, repeat]);
});

test("answers are kept within 64 MiB: the oldest go, their pushes are still known, the newest stay", async () => {
  const once = createOnce(new DigestSet(100));
  const share = (number: number, start: () => Promise<Answer>) => once.share(`${number}`, start);
  const big: Answer = { ...hello, reply: { type: "raw", msg: "x".repeat(1 << 20) } };
  for (let i = 0; i < 80; i++) await share(i, async () => big);
  const isKept = async (number: number) =>
    (await share(number, () => assert.fail("started"))).answer.reply.type === "raw";
  for (let i = 0; i < 80 - 64; i++) assert.equal(await isKept(i), false, `${i}`);
  for (let i = 80 - 62; i < 80; i++) assert.equal(await isKept(i), true, `${i}`);
});

test("an answer of more than 1 MiB is kept as well, whatever it is written in", async () => {
  const once = createOnce(new DigestSet(100));
  for (const msg of ["x".repeat(1_200_000), "你".repeat(400_000)]) {
    const big: Answer = { reply: { type: "text", msg }, outcome: "replied" };
    await once.share(msg, async () => big);
    assert.deepEqual((await once.share(msg, () => assert.fail("started"))).answer, big);
  }
});

test("where a slab of answers ends, none is cut off: it is told by bytes, of which Chinese text has three a character", async () => {
  const once = createOnce(new DigestSet(100));
  const answers = Array.from({ length: 8 }, (_, i): Answer => {
    return { reply: { type: "text", msg: `${i}${"你".repeat(100_000)}` }, outcome: "replied" };
  });
  for (const [i, answer] of answers.entries()) await once.share(`${i}`, async () => answer);
  for (const [i, answer] of answers.entries()) {
    assert.deepEqual((await once.share(`${i}`, () => assert.fail("started"))).answer, answer);
  }
});

test("an answer of more than 1 MiB is kept, too, when the room of old ones is used again", async (t) => {
  stopTime(t);
  const once = createOnce(new DigestSet(100));
  await once.share("old", async () => hello);
  mock.timers.tick(61_000);
  const big: Answer = { reply: { type: "text", msg: "x".repeat(1_200_000) }, outcome: "replied" };
  await once.share("big", async () => big);
  assert.deepEqual((await once.share("big", () => assert.fail("started"))).answer, big);
});

test("of short answers the newest 90 000 are kept, each its own, and no more than 100 000", async () => {
  const once = createOnce(new DigestSet(200_000));
  const count = 150_000;
  for (let i = 0; i < count; i++) await once.share(`${i}`, async () => numbered(i));
  const shared = async (i: number) => (await once.share(`${i}`, () => assert.fail("started"))).answer;
  for (let i = count - 90_000; i < count; i += 7) assert.deepEqual(await shared(i), numbered(i));
  for (let i = 0; i < count - 100_000; i += 7) assert.deepEqual(await shared(i), repeat.answer);
});

test("wasReplied: only when the user got something", async () => {
  const once = createOnce(new DigestSet(100));
  await once.share("a", async () => hello);
  await once.share("b", async () => silent);
  await once.share("c", async () => ({ ...silent, outcome: "late" }));
  await once.share("d", async () => Promise.reject(new Error("not held"))).catch(() => {});
  assert.deepEqual(
    ["a", "b", "c", "d", "e"].map((identity) => once.wasReplied(identity)),
    [true, false, false, false, false],
  );
});

test("wasReplied: of a push whose answer is under way, it is told when that is there", async () => {
  const once = createOnce(new DigestSet(100));
  const { start, ends } = createStart();
  const tries = ["a", "b", "c"].map((identity) => once.share(identity, start));
  const told = ["a", "b", "c"].map(async (identity) => once.wasReplied(identity));
  ends[0]?.resolve(hello);
  ends[1]?.resolve(silent);
  ends[2]?.reject(new Error("not held"));
  await Promise.allSettled(tries);
  assert.deepEqual(await Promise.all(told), [true, false, false]);
});

test("wasReplied: after 60 s, too, where replied pushes are remembered", async (t) => {
  stopTime(t);
  const once = createOnce(new DigestSet(100), new DigestSet(100));
  await once.share("a", async () => hello);
  await once.share("b", async () => silent);
  mock.timers.tick(3_600_000);
  assert.deepEqual([once.wasReplied("a"), once.wasReplied("b")], [true, false]);
});
