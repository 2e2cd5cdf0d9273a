import { setTimeout as sleep } from "node:timers/promises";
import { PassingMap } from "../shared/passing-map.ts";

/** Work in lanes: what is in one lane is done strictly one after another, in the order added; lanes run side by side. */
export interface Lanes {
  /** `work` may not reject. */
  add(lane: string, work: () => Promise<void>): void;
  /** For work that has to wait: leaves its place to other lanes for `ms`. Rejects when the lanes are stopped. */
  pause(ms: number): Promise<void>;
  /** Begins nothing more and ends pauses; what was not begun is dropped. */
  stop(): void;
  readonly stopped: boolean;
}

/** `atOnce` works run at a time, the lanes that have waited longest first. */
export function createLanes(atOnce: number): Lanes {
  const lanes = new PassingMap<string, (() => Promise<void>)[]>();
  const stopping = new AbortController();
  const { signal } = stopping;
  const waiting: (() => void)[] = [];
  let places = atOnce;

  async function enter(): Promise<void> {
    if (places > 0) places--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  }

  /** A place goes straight to whoever waits for one, or a newcomer would be before them. */
  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) places++;
    else next();
  }

  async function run(lane: string, works: (() => Promise<void>)[]): Promise<void> {
    for (let work = works[0]; work !== undefined && !signal.aborted; work = works[0]) {
      await enter();
      if (!signal.aborted) await work();
      leave();
      works.shift();
    }
    lanes.delete(lane);
  }

  return {
    add(lane, work) {
      const works = lanes.get(lane);
      if (works !== undefined) {
        works.push(work);
        return;
      }
      const begun = [work];
      lanes.set(lane, begun);
      void run(lane, begun);
    },
    async pause(ms) {
      leave();
      try {
        await sleep(ms, undefined, { signal });
      } finally {
        await enter();
      }
    },
    stop: () => stopping.abort(new Error("shutting down")),
    get stopped() {
      return signal.aborted;
    },
  };
}
