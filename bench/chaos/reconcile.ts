import { countStrikes, createOverlap, type Strikes } from "./fault-times.ts";
import type { Fault, History, Receipt, Try } from "./history.ts";

/** What became of a run's pushes, in Jepsen's words; lists hold the indexes of pushes. */
export interface Findings {
  pushes: number;
  /** Pushes a second, by their first tries. */
  rate: number;
  /** Pushes a try of which was answered 200. */
  acknowledged: number;
  /** Pushes no try of which was answered 200: WeChat was never told that they are safe. */
  neverAcknowledged: number;
  /** Acknowledged and never taken by the backend. */
  lost: number[];
  /** Never acknowledged, and taken all the same. */
  recovered: number;
  /** Taken more than once. */
  duplicated: number;
  /** Requests that hold no push of the run, or one that was not sent. */
  unexpected: number;
  /** Pushes that came under another event id than the contract's, or with differing bodies. */
  misidentified: number[];
  /** Answers 200 that hold neither the reply to their push nor `success`. */
  wrong: number[];
  tries: { count: number; ends: Record<string, number>; said: Record<string, number> };
  /** Share of the tries that had an answer of any status inside 5 s: of all, and of those that no fault of the gateway met. */
  inTime: { all: number; gatewayUp: number };
  /** Tries without any answer inside 5 s although the gateway was neither killed nor stopped meanwhile. */
  unanswered: number;
  /** Those of them that began more than 5 s after the gateway was back: what it had missed has come again by then. */
  unexplained: Try[];
  /** Milliseconds until the answers 200. */
  answers: { median: number; p99: number; slowest: number };
  strikes: Strikes;
  /** Share of the pushes that met a fault: a try of theirs was under way while one was on. */
  met: number;
  /** Processes that ended by themselves. */
  crashes: string[];
}

/** When a gateway comes back, all that it has missed comes at once: WeChat's next tries, for 5 s. */
const AFTERMATH = 5000;

/** Compares what WeChat was told with what the backend got; from logs alone, and it can be done while they grow. */
export function reconcile({ tries, receipts, faults }: History): Findings {
  const pushes = Map.groupBy(tries, (line) => line.push);
  const taken = Map.groupBy(
    receipts.filter((receipt) => receipt.taken),
    (receipt) => receipt.push,
  );
  const answered = tries.filter(({ end }) => end === 200);
  const acknowledged = new Set(answered.map(({ push }) => push));
  const seen = [...pushes.keys()].filter((push) => taken.has(push));
  const silent = tries.filter(({ end }) => typeof end !== "number");
  const asked = faults.filter(({ kind }) => kind !== "unasked");
  const meets = createOverlap(asked, 0);
  const ms = answered.map((line) => line.ms).sort((one, other) => one - other);
  const unexcused = isUnexcused(asked, 0);
  return {
    pushes: pushes.size,
    rate: rateOf(tries),
    acknowledged: acknowledged.size,
    neverAcknowledged: pushes.size - acknowledged.size,
    lost: [...acknowledged].filter((push) => !taken.has(push)),
    recovered: seen.filter((push) => !acknowledged.has(push)).length,
    duplicated: seen.filter((push) => (taken.get(push)?.length ?? 0) > 1).length,
    unexpected: receipts.filter(({ push }) => push === undefined || !pushes.has(push)).length,
    misidentified: findMisidentified(pushes, receipts),
    wrong: answered.filter(({ said }) => said === "wrong").map(({ push }) => push),
    tries: {
      count: tries.length,
      ends: count(tries.map(({ end }) => String(end))),
      said: count(answered.map(({ said }) => String(said))),
    },
    inTime: { all: shareOf(tries, isInTime), gatewayUp: shareOf(tries.filter(unexcused), isInTime) },
    unanswered: silent.filter(unexcused).length,
    unexplained: silent.filter(isUnexcused(asked, AFTERMATH)),
    answers: { median: at(ms, 0.5), p99: at(ms, 0.99), slowest: ms.at(-1) ?? 0 },
    strikes: countStrikes(asked),
    met: [...pushes.values()].filter((tries) => tries.some(meets)).length / Math.max(pushes.size, 1),
    crashes: faults.filter(({ kind }) => kind === "unasked").map(({ process }) => process),
  };
}

/** Deliveries that the backend refused count here, too: they are copies of the same push. */
function findMisidentified(pushes: Map<number, Try[]>, receipts: readonly Receipt[]): number[] {
  const bodies = new Map<number, string>();
  const found = new Set<number>();
  for (const { push, id, body } of receipts) {
    const identity = push === undefined ? undefined : pushes.get(push)?.[0]?.identity;
    if (push === undefined || identity === undefined) continue;
    if (id !== identity || (bodies.get(push) ?? body) !== body) found.add(push);
    bodies.set(push, body);
  }
  return [...found];
}

/** Whether neither a kill nor a stop of the gateway can have kept a try from being answered. */
function isUnexcused(faults: readonly Fault[], aftermath: number): (line: Try) => boolean {
  const hurt = faults.filter(({ process, kind }) => process === "gateway" && kind !== "reset");
  const overlaps = createOverlap(hurt, aftermath);
  return (line) => !overlaps(line);
}

function isInTime({ end }: Try): boolean {
  return typeof end === "number";
}

function rateOf(tries: readonly Try[]): number {
  const starts = tries.filter(({ number }) => number === 1).map(({ startedAt }) => startedAt);
  const [first, last] = starts.reduce(([least, most], at) => [Math.min(least, at), Math.max(most, at)], [Infinity, 0]);
  return starts.length > 1 ? ((starts.length - 1) * 1000) / Math.max(last - first, 1) : 0;
}

function shareOf(tries: readonly Try[], fits: (line: Try) => boolean): number {
  return tries.length === 0 ? 1 : tries.filter(fits).length / tries.length;
}

function count(words: readonly string[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(words, (word) => word)].map(([word, { length }]) => [word, length]));
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0;
}
