import type { Account } from "../shared/config/config.ts";
import { PassingMap } from "../shared/passing-map.ts";
import type { Push } from "../shared/wechat/push.ts";
import type { Exchange } from "./exchange.ts";
import type { Answer, Once } from "./once.ts";

/** WeChat pushes 3 times in all, and starts the next try about 5 s after the one before. */
const TRIES = 3;
const TRY_EVERY = 5000;
/** A try that may be followed by another is held this long, in ms: past the moment WeChat hangs up itself. */
const HELD_FOR = 5500;
/** A push this old on arrival, in ms, is in its last try; a first arrival older than `FRESH` is not its first try. */
const LAST_AGE = 9000;
const FRESH = 4000;

export interface Arrival {
  /** Epoch ms. */
  arrivedAt: number;
  /** Whether WeChat still waits on this try's connection. */
  isOpen: () => boolean;
}

export type Shared = { answer: Answer; isRepeat: boolean };

/** Answers one try of a push; "hang-up" means: close the connection without a byte, a later try is answered. */
export type AnswerTry = (push: Push, arrival: Arrival) => Promise<Shared | "hang-up">;

/** The tries of one push, while its reply is waited for. */
interface Window {
  arrivals: number;
  /** Ends the wait for the reply: the last try has to be answered. */
  giveUp: AbortController;
  /** Lets go of the try before: only the newest one carries the reply. */
  release: () => void;
}

/** With `reply-window: "first"` every try is answered inside the reply budget. */
export function createSingleTry(account: Account, exchange: Exchange, once: Once): AnswerTry {
  return (push, { arrivedAt }) => {
    const deadline = arrivedAt + account.replyBudget;
    return once.share(push.identity, () => exchange(push, { holdBy: deadline, deadline }));
  };
}

/**
 * With `reply-window: "retries"` the reply may take until WeChat's third try, about 14 s: earlier tries are held and
 * then hung up on, so that WeChat pushes again. The last one is always answered; which one that is, is told by its
 * count, and where that is unknown (a restart) by the push's age.
 */
export function createRetriesWindow(account: Account, exchange: Exchange, once: Once): AnswerTry {
  const windows = new PassingMap<string, Window>();

  return async function answerTry(push, { arrivedAt, isOpen }) {
    const open = windows.get(push.identity);
    const window = open ?? { arrivals: 0, giveUp: new AbortController(), release: () => {} };
    window.release();
    window.arrivals++;
    const isLast = isLastTry(window.arrivals, arrivedAt - push.CreateTime * 1000);
    const budgetEnd = arrivedAt + account.replyBudget;
    const sharing = once.share(push.identity, () => {
      windows.set(push.identity, window);
      const deadline = isLast ? budgetEnd : budgetEnd + (TRIES - 1) * TRY_EVERY;
      const exchanging = exchange(push, { holdBy: budgetEnd, deadline, giveUp: window.giveUp.signal });
      return exchanging.finally(() => windows.delete(push.identity));
    });
    const turn = waitForTurn(window, (isLast ? budgetEnd : arrivedAt + HELD_FOR) - Date.now());
    const first = await Promise.race([sharing, turn.over]).finally(turn.end);
    if (first === "superseded" || !isOpen()) return "hang-up";
    if (first !== "timeout") return open ? { ...first, isRepeat: false } : first;
    if (!isLast) return "hang-up";
    window.giveUp.abort();
    return sharing;
  };
}

function isLastTry(arrivals: number, age: number): boolean {
  return arrivals >= TRIES || age >= LAST_AGE || (arrivals === 1 && age >= FRESH);
}

/** Ends when a newer try takes over or after `ms`. */
function waitForTurn(window: Window, ms: number): { over: Promise<"superseded" | "timeout">; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<"superseded" | "timeout">();
  const timer = setTimeout(resolve, Math.max(ms, 0), "timeout");
  window.release = () => resolve("superseded");
  return { over: promise, end: () => clearTimeout(timer) };
}
