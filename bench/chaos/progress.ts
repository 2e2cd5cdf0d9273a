import { setTimeout as sleep } from "node:timers/promises";
import type { Lanes } from "./lanes.ts";
import type { WechatNews } from "./processes/wechat.ts";
import type { Program } from "./program.ts";

export interface Watched {
  wechat: Program<WechatNews>;
  backend: Program<{ requests: number }>;
  lanes: Lanes;
  pushes: number;
}

const TICK = 200;
const LINE_EVERY = 5000;

/** Prints a line every 5 s until WeChat has done with every push. */
export async function showProgress({ wechat, backend, lanes, pushes }: Watched): Promise<void> {
  const startedAt = Date.now();
  let next = LINE_EVERY;
  for (; wechat.news.done !== true; await sleep(TICK)) {
    const elapsed = Date.now() - startedAt;
    if (elapsed < next) continue;
    next += LINE_EVERY;
    const { sent = 0, acknowledged = 0, givenUp = 0 } = wechat.news;
    const words = [
      `${String(Math.round(elapsed / 1000)).padStart(4)} s`,
      `${sent} of ${pushes} pushed`,
      `${acknowledged} acknowledged`,
      `${sent - acknowledged - givenUp} under way`,
      `${givenUp} given up`,
      `${backend.news.requests ?? 0} at the backend`,
      `${lanes.rounds} rounds of faults`,
      ...lanes.active,
    ];
    console.log(words.join(", "));
  }
}
