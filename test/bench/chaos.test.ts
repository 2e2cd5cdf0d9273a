import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault, History, Receipt, Try } from "../../bench/chaos/history.ts";
import { readOptions } from "../../bench/chaos/options.ts";
import { createRandom } from "../../bench/chaos/random.ts";
import { reconcile } from "../../bench/chaos/reconcile.ts";
import { judge, type Circumstances } from "../../bench/chaos/verdict.ts";

const START = 1_000_000;
const PUSHES = 20_000;
const RATE = 300;

const startOf = (push: number): number => START + (push * 1000) / RATE;
const answered = (push: number, more: Partial<Try> = {}): Try => {
  return {
    push,
    number: 1,
    identity: `id ${push}`,
    startedAt: startOf(push),
    ms: 50,
    end: 200,
    said: "reply",
    ...more,
  };
};
const taken = (push: number, more: Partial<Receipt> = {}): Receipt => {
  return { at: startOf(push) + 20, push, id: `id ${push}`, body: `body ${push}`, taken: true, ...more };
};

/** Each kind strikes each process 5 times, and a fault is on for a second in every four. */
function faultsOf(cluster: boolean): Fault[] {
  const kinds = ["kill", "stop", "reset"];
  const processes = { gateway: kinds, dispatcher: kinds, broker: cluster ? [...kinds, "kill leader"] : kinds };
  const faults = Object.entries(processes).flatMap(([process, each]) =>
    each.flatMap((kind) => Array.from({ length: 5 }, () => ({ process, kind }))),
  );
  return faults.map((fault, i) => ({ ...fault, from: START + i * 1000, to: START + i * 1000 + 250 }));
}

/** A run in which all is well, unless said otherwise. */
function historyOf(change: (history: History) => void = () => {}, cluster = false): History {
  const pushes = Array.from({ length: PUSHES }, (_, push) => push);
  const history = {
    tries: pushes.map((push) => answered(push)),
    receipts: pushes.map((push) => taken(push)),
    faults: faultsOf(cluster),
  };
  change(history);
  return history;
}

const well: Circumstances = { heldUp: 20, drained: { gateway: 0, dispatcher: 0 }, cluster: false };
const judged = (change?: (history: History) => void, circumstances: Partial<Circumstances> = {}) =>
  judge(reconcile(historyOf(change, circumstances.cluster)), { ...well, ...circumstances });

/** A push near the end, when no fault is on any more. */
const calm = PUSHES - 10;

test("a run in which all is well holds, with one broker and with three", () => {
  assert.deepEqual(judged(), { broken: [], notCount: [] });
  assert.deepEqual(judged(undefined, { cluster: true }), { broken: [], notCount: [] });
});

test("acknowledged, lost, recovered, duplicated, unexpected: each push is counted where it belongs", () => {
  const { tries, receipts, faults } = historyOf();
  const findings = reconcile({
    tries: [
      ...tries.slice(6),
      answered(0), // lost
      answered(1, { end: 503, said: undefined } as unknown as Partial<Try>), // recovered
      answered(2, { end: 503, said: undefined } as unknown as Partial<Try>), // neither
      answered(3), // duplicated
      answered(4), // refused by the backend, then taken
      answered(5), // taken by it, under another id
    ],
    receipts: [
      ...receipts.slice(6),
      taken(1),
      taken(3),
      taken(3),
      taken(4, { taken: false }),
      taken(4),
      taken(5, { id: "another" }),
      taken(PUSHES + 1),
      { at: START, id: "undefined", body: "x", taken: true },
    ],
    faults,
  });
  const { acknowledged, neverAcknowledged, lost, recovered, duplicated, unexpected, misidentified } = findings;
  assert.deepEqual(
    { acknowledged, neverAcknowledged, lost, recovered, duplicated, unexpected, misidentified },
    {
      acknowledged: PUSHES - 2,
      neverAcknowledged: 2,
      lost: [0],
      recovered: 1,
      duplicated: 1,
      unexpected: 2,
      misidentified: [5],
    },
  );
  assert.ok(Math.abs(findings.rate - RATE) < 1, `${findings.rate} a second`);
});

const breaks: [name: string, broken: RegExp, change: (history: History) => void][] = [
  ["a lost push", /acknowledged and lost/, ({ receipts }) => void receipts.splice(7, 1)],
  [
    "one that the backend only refused",
    /acknowledged and lost/,
    ({ receipts }) => void receipts.splice(7, 1, taken(7, { taken: false })),
  ],
  [
    "a duplicate under another id",
    /under another event id/,
    ({ receipts }) => void receipts.push(taken(7, { id: "x" })),
  ],
  ["a duplicate with another body", /another body/, ({ receipts }) => void receipts.push(taken(7, { body: "x" }))],
  [
    "a request that was no push",
    /held no push/,
    ({ receipts }) => void receipts.push({ at: 1, id: "x", body: "", taken: true }),
  ],
  ["a wrong answer", /neither the reply/, ({ tries }) => void tries.splice(7, 1, answered(7, { said: "wrong" }))],
  [
    "an answer that came late",
    /no answer in 5 s/,
    ({ tries }) => void tries.splice(calm, 1, answered(calm, { end: "timeout", ms: 5000 })),
  ],
  [
    "a crash",
    /ended by themselves: gateway/,
    ({ faults }) => void faults.push({ process: "gateway", kind: "unasked", from: 1, to: 1 }),
  ],
];
for (const [name, broken, change] of breaks) {
  test(`broken: ${name}`, () => {
    const verdict = judged(change);
    assert.equal(verdict.broken.length, 1);
    assert.match(String(verdict.broken[0]), broken);
  });
}

test("broken: a process that does not drain", () => {
  assert.match(String(judged(undefined, { drained: { gateway: 0, dispatcher: 1 } }).broken), /SIGTERM: dispatcher/);
});

const tooLittle: [name: string, notCount: RegExp, change: (history: History) => void][] = [
  ["four strikes of a kind", /^fewer than 5 strikes: gateway kill$/, ({ faults }) => void faults.splice(0, 1)],
  ["a kind that never struck", /^fewer than 5 strikes: broker reset$/, ({ faults }) => void faults.splice(-5)],
  [
    "fewer pushes",
    /^fewer than 20000 pushes$/,
    ({ tries, receipts }) => [tries, receipts].forEach((lines) => lines.splice(-1)),
  ],
  [
    "a lower rate",
    /^fewer than 300 pushes a second$/,
    ({ tries }) => tries.forEach((line) => (line.startedAt *= 1.02)),
  ],
  [
    "too few that met a fault",
    /of the pushes met a fault/,
    ({ faults }) => faults.forEach((fault) => (fault.to = fault.from)),
  ],
];
for (const [name, notCount, change] of tooLittle) {
  test(`does not count: ${name}`, () => {
    const verdict = judged(change);
    assert.deepEqual(verdict.broken, []);
    assert.match(verdict.notCount.join("\n"), notCount);
  });
}

test("does not count with three brokers: their leader was left alone", () => {
  const verdict = judge(reconcile(historyOf()), { ...well, cluster: true });
  assert.deepEqual(verdict.notCount, ["fewer than 5 strikes: broker kill leader"]);
});

test("without options it sends 20 000 pushes at 300 a second, with 5 strikes each", () => {
  const { pushes, rate, strikes, cluster } = readOptions([]);
  assert.deepEqual({ pushes, rate, strikes, cluster }, { pushes: 20_000, rate: 300, strikes: 5, cluster: false });
});

function draw(seed: string): unknown[] {
  const random = createRandom(seed);
  return [random.between(0, 1), random.shuffle([1, 2, 3, 4, 5]), random.between(5, 9)];
}

test("a seed repeats what is random", () => {
  assert.deepEqual(draw("7"), draw("7"));
  assert.notDeepEqual(draw("7"), draw("8"));
});
