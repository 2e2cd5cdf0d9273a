import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createBreaker } from "../../dispatcher/breaker.ts";
import { createInsist } from "../../dispatcher/insist.ts";
import type { Verdict } from "../../dispatcher/verdict.ts";
import type { Delivery } from "../../shared/bus/bus.ts";
import type { Event } from "../../shared/envelope.ts";
import { createMetrics } from "../../shared/metrics.ts";
import { success } from "../../shared/reply.ts";

const taken: Verdict = { kind: "taken", reply: success };
const failed: Verdict = { kind: "failed", error: "status 500" };
const unavailable: Verdict = { kind: "unavailable", error: "the backend failed too often in a row" };

interface World {
  ladder?: number[];
  patience?: number;
  /** Milliseconds for which the event has waited behind others. */
  waited?: number;
  /** Milliseconds that are left for a reply. */
  left?: number;
}

/** Insists on an event with a backend that gives these verdicts, the last one for ever; pauses take no time. */
async function insistOn(verdicts: Verdict[], { ladder = [10, 20], patience = 1000, waited = 0, left = 0 }: World = {}) {
  const pauses: number[] = [];
  const attempts: number[] = [];
  let deferred = 0;
  const metrics = createMetrics();
  const delivery = { isGone: () => false };
  const insist = createInsist({
    account: { name: "shop", retry: ladder.map((ms) => ({ name: `${ms}ms`, ms })) },
    outbox: { defer: async () => void deferred++ },
    pause: async (ms) => void pauses.push(ms),
    metrics,
    patience,
  });
  const ask = ({ attempt }: Event): Verdict => {
    attempts.push(attempt);
    return verdicts[Math.min(attempts.length, verdicts.length) - 1] as Verdict;
  };
  const event = { attempt: 1, deadline: Date.now() + left } as Event;
  const insisting = insist(delivery as Delivery, event, ask, performance.now() - waited);
  return { result: await insisting, pauses, attempts, deferred, counted: await metrics.registry.metrics() };
}

test("a failing backend is asked again on the ladder until it takes the event, each time counted", async () => {
  const { result, pauses, attempts, counted } = await insistOn([failed, failed, taken]);
  assert.deepEqual([result, pauses, attempts], [{ verdict: taken, attempt: 3 }, [10, 20], [1, 2, 3]]);
  const retries = counted.match(/^wx_retries_total.*$/gm);
  assert.deepEqual(
    retries,
    [10, 20].map((ms) => `wx_retries_total{service="shop",delay="${ms}ms"} 1`),
  );
});

test("the ladder's end is the end, with the last verdict", async () => {
  const { result, attempts } = await insistOn([failed]);
  assert.deepEqual([result, attempts], [{ verdict: failed, attempt: 3 }, [1, 2, 3]]);
});

test("other verdicts are final", async () => {
  const rejected: Verdict = { kind: "rejected", error: "status 400" };
  const { result, attempts } = await insistOn([rejected, taken]);
  assert.deepEqual([result, attempts], [{ verdict: rejected, attempt: 1 }, [1]]);
});

test("a rung longer than what is left of the minute gives way to the longest that fits", async () => {
  const { pauses } = await insistOn([failed], { ladder: [10, 20, 5000, 9000] });
  assert.deepEqual(pauses, [10, 20, 20, 20]);
});

test("an event that has waited for its minute is asked for once", async () => {
  const { result, attempts } = await insistOn([failed], { waited: 2000 });
  assert.deepEqual([result, attempts], [{ verdict: failed, attempt: 1 }, [1]]);
});

test("with the breaker open no attempt is counted, and the minute begins with the event's turn", async () => {
  const { result, attempts } = await insistOn([unavailable, unavailable, taken], { waited: 2000 });
  assert.deepEqual([result, attempts], [{ verdict: taken, attempt: 1 }, [1, 1, 1]]);
  const given = await insistOn([unavailable], { patience: 5 });
  assert.deepEqual(given.result, { verdict: unavailable, attempt: 1 });
});

test("the gateway is told once when no try can make the deadline, and not when one can", async () => {
  assert.equal((await insistOn([failed], { left: 100, ladder: [200, 200] })).deferred, 1);
  assert.equal((await insistOn([unavailable, unavailable, taken], { left: 100 })).deferred, 1);
  assert.equal((await insistOn([unavailable, taken], { left: 60_000 })).deferred, 1, "the breaker may stay open");
  assert.equal((await insistOn([failed, taken], { left: 1000 })).deferred, 0);
  assert.equal((await insistOn([failed, taken], { left: -1 })).deferred, 0);
});

test("a delivery that has gone back to its queue is left alone", async () => {
  let isGone = false;
  const delivery = { isGone: () => isGone };
  const insist = createInsist({
    account: { name: "shop", retry: [{ name: "10ms", ms: 10 }] },
    outbox: { defer: async () => {} },
    pause: async () => void (isGone = true),
    metrics: createMetrics(),
  });
  const insisting = insist(delivery as Delivery, { attempt: 1, deadline: 0 } as Event, () => failed, performance.now());
  await assert.rejects(insisting, /comes again/);
});

test("an event of which the gateway could not be told, as the process is ending, goes back to its queue", async () => {
  const insist = createInsist({
    account: { name: "shop", retry: [{ name: "10ms", ms: 10 }] },
    outbox: { defer: () => Promise.reject(new Error("shutting down")) },
    pause: async () => {},
    metrics: createMetrics(),
  });
  const event = { attempt: 1, deadline: Date.now() + 60_000 } as Event;
  const delivery = { isGone: () => false } as Delivery;
  const verdicts = [unavailable, taken];
  const insisting = insist(delivery, event, () => verdicts.shift() ?? taken, performance.now());
  await assert.rejects(insisting, /shutting down/);
});

/** Lets mocked time pass, and what waits for it go on. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10, mock.timers.tick(10)) await setImmediate();
}

test("with the breaker open, events that keep failing do not take the probes from one that was never asked for", async (t) => {
  mock.timers.enable({ apis: ["Date", "setTimeout"] });
  const time = mock.method(performance, "now", () => Date.now());
  t.after(() => {
    mock.timers.reset();
    time.mock.restore();
  });
  const breaker = createBreaker();
  const ladder = [1000, 10_000, 60_000].map((ms) => ({ name: `${ms}ms`, ms }));
  const insist = createInsist({
    account: { name: "shop", retry: [...ladder, ...ladder] },
    outbox: { defer: async () => {} },
    pause: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
    metrics: createMetrics(),
  });
  let isWell = false;
  const begin = (given: Verdict) => {
    const ask = (): Verdict => {
      if (!breaker.admit()) return unavailable;
      const verdict = isWell ? taken : given;
      breaker.report(verdict !== failed);
      return verdict;
    };
    const event = { attempt: 1, deadline: 0 } as Event;
    return insist({ isGone: () => false } as Delivery, event, ask, performance.now());
  };
  const failing = [];
  for (let i = 0; i < 5; i++) {
    failing.push(begin(failed));
    await pass(50); // each looks at the breaker at times of its own
  }
  await pass(280);
  const other = begin(taken);
  await pass(20_000);
  assert.deepEqual((await other).verdict, taken);
  isWell = true;
  await pass(50_000);
  for (const { verdict } of await Promise.all(failing)) assert.deepEqual(verdict, taken, "they have their turn again");
});
