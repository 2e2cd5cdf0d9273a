import { percentile } from "../support/figures.ts";
import { faultOf, type Expected } from "./check-answer.ts";
import type { Pushes } from "./make-pushes.ts";

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

/** What came of a run, all times in ms since its beginning. */
export interface Recording {
  /** The answer at `now` to the push that was due at `since`. */
  take(answer: { index: number; since: number; now: number; status: number; body: Buffer }): void;
  fault(reason: string): void;
  /** Opens the sample. The rate counts the answers between `settle` and `end`. */
  close(settle: number, end: number): Fired;
}

/** Every so many-th answer is opened after the run. */
const OPEN_EVERY = 50;
const MAX_FAULTS = 3;
const sealed = /^<xml>\n?<Encrypt><!\[CDATA\[/;
const beginnings: Record<Expected, RegExp> = { sealed, "sealed anew": sealed, plain: /^\{"type":"text"/ };
const LONGEST_BEGINNING = 24;

export function createRecording(pushes: Pushes, expect: Expected): Recording {
  const latencies = new Float64Array(pushes.count);
  const answeredAt = new Float64Array(pushes.count);
  const sample: { index: number; body: string }[] = [];
  const faults: string[] = [];
  let answers = 0;

  return {
    take({ index, since, now, status, body }) {
      answeredAt[answers] = now;
      latencies[answers++] = now - since;
      if (status !== 200) faults.push(`status ${status}`);
      else if (!beginnings[expect].test(body.toString("latin1", 0, LONGEST_BEGINNING))) {
        faults.push(`a wrong answer: ${body.toString()}`);
      } else if (expect !== "plain" && index % OPEN_EVERY === 0) sample.push({ index, body: body.toString() });
    },
    fault: (reason) => void faults.push(reason),
    close(settle, end) {
      const found = sample.map(({ index, body }) => faultOf(body, pushes, index, expect));
      faults.push(...found.filter((fault) => fault !== undefined));
      const measured = latencies.subarray(0, answers);
      return {
        answers,
        rate: rateOf(answeredAt.subarray(0, answers), settle, end),
        latency: { p50: percentile(measured, 0.5), p99: percentile(measured, 0.99), max: percentile(measured, 1) },
        opened: sample.length,
        faultCount: faults.length,
        faults: faults.slice(0, MAX_FAULTS),
      };
    },
  };
}

function rateOf(answeredAt: Float64Array, from: number, to: number): number {
  const end = Math.min(to, answeredAt.at(-1) ?? 0);
  const counted = answeredAt.filter((at) => at >= from && at <= end);
  return counted.length / ((end - from) / 1000);
}
