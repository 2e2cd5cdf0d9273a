import { percentile } from "../support/figures.ts";
import { faultOf } from "./check-answer.ts";
import { openLane, type Lane } from "./lane.ts";
import type { Pushes } from "./make-pushes.ts";

export interface FireOptions {
  port: number;
  connections: number;
  /** No push is sent later than this after the first one. */
  ms: number;
  /** The connections begin one after the other during this time, in ms; default 0, all at once. */
  spread?: number;
  /** What comes in the first ms does not count for the rate; default 0. */
  settle?: number;
  expect: "sealed" | "plain";
}

export interface Fired {
  answers: number;
  /** Answers a second: from `settle` to the end of the time, or to the last answer when the pushes ran out before. */
  rate: number;
  /** Milliseconds from a push to its answer. */
  latency: { p50: number; p99: number; max: number };
  /** Sealed answers that were opened and compared; of every answer status and beginning were checked. */
  opened: number;
  faultCount: number;
  /** The first few. */
  faults: string[];
}

/** Every so many-th answer is opened after the run. */
const OPEN_EVERY = 50;
const MAX_FAULTS = 3;
/** Answers that are not there this long after the last push never come. */
const DRAIN_LIMIT = 15_000;
const beginnings = { sealed: Buffer.from("<xml>\n<Encrypt><![CDATA["), plain: Buffer.from('{"type":"text"') };

/** Keeps every connection busy with one push after the other. Each push is sent at most once, to the end or until time is up. */
export async function fire(pushes: Pushes, options: FireOptions): Promise<Fired> {
  const { port, connections, ms, expect, spread = 0, settle = 0 } = options;
  const beginning = beginnings[expect];
  const latencies = new Float64Array(pushes.count);
  const answeredAt = new Float64Array(pushes.count);
  const sample: { index: number; body: string }[] = [];
  const faults: string[] = [];
  const underWay = new Map<Lane, { index: number; sentAt: number }>();
  const over = Promise.withResolvers<void>();
  let next = 0;
  let answers = 0;

  const lanes = await Promise.all(
    Array.from({ length: connections }, () =>
      openLane(port, {
        onAnswer(lane, status, body) {
          take(lane, status, body);
          sendNext(lane);
        },
        onBroken(lane, reason) {
          if (underWay.delete(lane)) faults.push(reason);
          if (underWay.size === 0) over.resolve();
        },
      }),
    ),
  );

  function sendNext(lane: Lane): void {
    const now = performance.now();
    if (next < pushes.count && now < deadline) {
      const index = next++;
      underWay.set(lane, { index, sentAt: now });
      lane.send(pushes.bytes.subarray(pushes.ends[index - 1] ?? 0, pushes.ends[index]));
    } else if (underWay.size === 0) over.resolve();
  }

  function take(lane: Lane, status: number, body: Buffer): void {
    const sent = underWay.get(lane);
    if (sent === undefined) return void faults.push("an answer that nothing was asked for");
    underWay.delete(lane);
    const now = performance.now();
    answeredAt[answers] = now - startedAt;
    latencies[answers++] = now - sent.sentAt;
    if (status !== 200) faults.push(`status ${status}`);
    else if (beginning.compare(body, 0, beginning.length) !== 0) faults.push(`a wrong answer: ${body.toString()}`);
    else if (expect === "sealed" && sent.index % OPEN_EVERY === 0) {
      sample.push({ index: sent.index, body: body.toString() });
    }
  }

  const startedAt = performance.now();
  const deadline = startedAt + ms;
  lanes.forEach((lane, i) => (spread === 0 ? sendNext(lane) : setTimeout(sendNext, (spread * i) / connections, lane)));
  const timer = setTimeout(() => over.resolve(), ms + DRAIN_LIMIT);
  await over.promise;
  clearTimeout(timer);
  if (underWay.size > 0) faults.push(`${underWay.size} pushes without an answer`);
  underWay.clear();
  for (const lane of lanes) lane.end();
  faults.push(...sample.map(({ index, body }) => faultOf(body, pushes, index)).filter((fault) => fault !== undefined));
  const measured = latencies.subarray(0, answers);
  const latency = { p50: percentile(measured, 0.5), p99: percentile(measured, 0.99), max: percentile(measured, 1) };
  const told = { faultCount: faults.length, faults: faults.slice(0, MAX_FAULTS) };
  const rate = rateOf(answeredAt.subarray(0, answers), settle, ms);
  return { answers, rate, latency, opened: sample.length, ...told };
}

function rateOf(answeredAt: Float64Array, from: number, to: number): number {
  const end = Math.min(to, answeredAt.at(-1) ?? 0);
  const counted = answeredAt.filter((at) => at >= from && at <= end);
  return counted.length / ((end - from) / 1000);
}
