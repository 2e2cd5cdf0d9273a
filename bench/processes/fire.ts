import { setTimeout as sleep } from "node:timers/promises";
import type { Expected } from "./check-answer.ts";
import { openLane, type Lane } from "./lane.ts";
import type { Pushes } from "./make-pushes.ts";
import { createRecording, type Fired } from "./record.ts";
import { backToBack, paced } from "./schedule.ts";

export interface FireOptions {
  port: number;
  connections: number;
  /** No push is due later than this after the first one. */
  ms: number;
  /** Pushes a second, whatever the answers take; without it every connection sends the next push when it has its answer. */
  pace?: number;
  /** The connections begin one after the other during this time, in ms; default 0, all at once. */
  spread?: number;
  /** What comes in the first ms does not count for the rate; default 0. */
  settle?: number;
  /** Accounts that the pushes go to in turn; default 1. */
  accounts?: number;
  expect: Expected;
}

/** Answers that are not there this long after the last push was due never come. */
const DRAIN_LIMIT = 15_000;
/**
 * Milliseconds for a server to accept the connections. Node accepts one each time round its loop: with pushes coming in
 * already, the last of 256 would wait for more than a second.
 */
const ACCEPT_TIME = 200;

/** Sends the pushes from the first one on, each at most once, until time is up or all are sent, and waits for the answers. */
export async function fire(pushes: Pushes, options: FireOptions): Promise<Fired> {
  const { port, connections, ms, pace, expect, spread = 0, settle = 0, accounts = 1 } = options;
  const schedule = pace === undefined ? backToBack(pushes.count, ms) : paced(pushes.count, ms, pace);
  const recording = createRecording(pushes, expect);
  const underWay = new Map<Lane, { index: number; since: number }>();
  const idle: Lane[] = [];
  const over = Promise.withResolvers<void>();
  let next = 0;
  let timer: NodeJS.Timeout | undefined;

  const lanes = await Promise.all(
    Array.from({ length: connections }, () =>
      openLane(port, {
        onAnswer(lane, status, body) {
          const sent = underWay.get(lane);
          underWay.delete(lane);
          if (sent === undefined) recording.fault("an answer that nothing was asked for");
          else recording.take({ ...sent, now: performance.now() - startedAt, status, body });
          idle.push(lane);
          sendDue();
        },
        onBroken(lane, reason) {
          if (underWay.delete(lane)) recording.fault(reason);
          if (underWay.size === 0) over.resolve();
        },
      }),
    ),
  );

  function sendDue(): void {
    while (idle.length > 0) {
      const now = performance.now() - startedAt;
      const since = schedule.dueAt(next, now);
      if (since === undefined) return void (underWay.size === 0 && over.resolve());
      if (since > now) return void (timer ??= setTimeout(wake, since - now));
      send(idle.shift() as Lane, since);
    }
  }

  function wake(): void {
    timer = undefined;
    sendDue();
  }

  function send(lane: Lane, since: number): void {
    const index = next++;
    underWay.set(lane, { index, since });
    lane.send(pushes.requestTo(index % accounts, index));
  }

  function join(lane: Lane): void {
    idle.push(lane);
    sendDue();
  }

  await sleep(ACCEPT_TIME);
  const startedAt = performance.now();
  lanes.forEach((lane, i) => (spread === 0 ? join(lane) : setTimeout(join, (spread * i) / connections, lane)));
  const limit = setTimeout(() => over.resolve(), ms + DRAIN_LIMIT);
  await over.promise;
  clearTimeout(limit);
  clearTimeout(timer);
  if (underWay.size > 0) recording.fault(`${underWay.size} pushes without an answer`);
  underWay.clear();
  for (const lane of lanes) lane.end();
  return recording.close(settle, ms);
}
