/**
 * `wechat.ts <options as JSON>`: plays WeChat's servers. Sends sealed pushes at a steady rate, whatever becomes of
 * them, tries each one again as WeChat does, and writes every try down.
 */
import { createWriteStream } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createWechat } from "../../../test/support/wechat-server.ts";
import { account } from "../account.ts";
import type { Try, TryEnd } from "../history.ts";
import { indexIn, makePush } from "../pushes.ts";
import { createRandom } from "../random.ts";
import { serveParent } from "./parent.ts";

export interface WechatProcessOptions {
  url: string;
  pushes: number;
  rate: number;
  tries: number;
  seed: string;
  log: string;
}

/** How far it is; `done` once nothing is under way and all is on disk. */
export interface WechatNews {
  sent: number;
  acknowledged: number;
  givenUp: number;
  /** The longest that this process itself was held up, in ms: what it measures is no more exact than that. */
  heldUp: number;
  done?: true;
}

/** WeChat hangs up after 5 s and starts the tries of a push that far apart. */
const PATIENCE = 5000;
/** WeChat is many servers, which do not try again in step. */
const JITTER = 250;
const TICK = 5;

const options = JSON.parse(process.argv[2] ?? "{}") as WechatProcessOptions;
const wechat = createWechat({ ...account, url: options.url });
const random = createRandom(`${options.seed} wechat`);
const log = createWriteStream(options.log);
const news: WechatNews = { sent: 0, acknowledged: 0, givenUp: 0, heldUp: 0 };
const loopDelay = monitorEventLoopDelay({ resolution: TICK });
loopDelay.enable();
const told = { enough: false };
const tell = serveParent({ port: 0 }, () => (told.enough = true));

await pushSteadily();
log.end(() => tell({ ...news, done: true }));

async function pushSteadily(): Promise<void> {
  const startedAt = performance.now();
  const under = new Set<Promise<void>>();
  const telling = setInterval(() => tell(news), 500);
  while (!told.enough || news.sent < options.pushes) {
    const due = ((performance.now() - startedAt) / 1000) * options.rate;
    for (; news.sent < due; news.sent++) {
      const pushing = pushUntilAnswered(news.sent).finally(() => under.delete(pushing));
      under.add(pushing);
    }
    news.heldUp = Math.round(loopDelay.max / 1e6);
    await sleep(TICK);
  }
  await Promise.all(under);
  clearInterval(telling);
}

async function pushUntilAnswered(push: number): Promise<void> {
  const { body, identity } = makePush(push, Math.floor(Date.now() / 1000));
  for (let number = 1; number <= options.tries; number++) {
    const startedAt = Date.now();
    const { end, said, ms } = await tryOnce(push, body);
    const line: Try = { push, number, identity, startedAt, ms: Math.round(ms), end, ...(said ? { said } : {}) };
    log.write(`${JSON.stringify(line)}\n`);
    if (end === 200) return void news.acknowledged++;
    if (number < options.tries) await sleep(Math.max(startedAt + PATIENCE - Date.now(), 0) + random.between(0, JITTER));
  }
  news.givenUp++;
}

async function tryOnce(push: number, body: string): Promise<Pick<Try, "end" | "said" | "ms">> {
  const startedAt = performance.now();
  try {
    const { status, ms, opened, sealed, verified } = await wechat.push(body, { timeoutMs: PATIENCE });
    // Held up itself, this process may see an answer that WeChat would no longer wait for.
    if (ms > PATIENCE) return { end: "timeout", ms };
    return { end: status, ms, ...(status === 200 ? { said: judge(push, opened, sealed && verified) } : {}) };
  } catch (error) {
    return { end: reasonOf(error), ms: performance.now() - startedAt };
  }
}

/** `success` and the empty answer are never sealed; a reply always is, and is the one to this push. */
function judge(push: number, opened: string, isSealed: boolean): NonNullable<Try["said"]> {
  if (opened === "success" || opened === "") return "success";
  return isSealed && indexIn(opened) === push ? "reply" : "wrong";
}

function reasonOf(error: unknown): TryEnd {
  const { code, name } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED") return "refused";
  if (code === "ECONNRESET" || code === "EPIPE") return "reset";
  return name === "AbortError" || name === "TimeoutError" || code === "ABORT_ERR" ? "timeout" : "broken";
}
