import { LRUCache } from "lru-cache";
import { describeFailure } from "../shared/api/api-failure.ts";
import { createFindUser } from "../shared/api/find-user.ts";
import { createUserInfoGuard, maxUserInfoWait, userInfoSkipped } from "../shared/api/user-info-guard.ts";
import type { WechatApi } from "../shared/api/wechat-api.ts";
import { Failure } from "../shared/failure.ts";
import { inTime } from "../shared/in-time.ts";
import type { Logger } from "../shared/log.ts";
import { PassingMap } from "../shared/passing-map.ts";

/** What goes into `userInfo` (the JSON of user/info, exactly as WeChat sent it) or into `userInfoError`. */
export type UserInfoAnswer = { text: string } | { error: string };

/** The users of one account, as WeChat describes them. */
export interface UserInfo {
  /** Waits at most `budgetMs`, and never more than 1 s; never rejects. An answer that comes later serves the next push. */
  get(openid: string, budgetMs: number): Promise<UserInfoAnswer>;
  /** Makes the next `get` ask WeChat: to be called when the user subscribes or unsubscribes. */
  forget(openid: string): void;
}

export interface UserInfoOptions {
  log: Logger;
  /** Monotonic, in milliseconds; default `performance.now`. */
  now?: () => number;
}

/** A timeout after less than this, in milliseconds, says nothing about WeChat. */
const fairWait = 200;

const MAX_USERS = 10_000;
const cacheLimits = { ttl: 5 * 60_000, maxSize: 32 * 1024 * 1024 };

interface Flight {
  answer: Promise<{ text: string }>;
  /** Goes up with each judgement, so that all who waited together for one answer count as one. */
  judged: number;
}

/**
 * Looks users up by `/cgi-bin/user/info`, one call per openid at a time, and remembers 10 000 of them for 5 minutes.
 * After 3 failures in a row it answers for 10 s from memory alone, then lets a single call try.
 */
export function createUserInfo(api: WechatApi, { log, now = () => performance.now() }: UserInfoOptions): UserInfo {
  // Not with `max`: for that many users it would take 600 KB at once, of each account.
  const known = new LRUCache<string, { text: string }>({
    ...cacheLimits,
    sizeCalculation: ({ text }, openid) => text.length + openid.length,
    ttlResolution: 0,
    perf: { now },
  });
  const flights = new PassingMap<string, Flight>();
  const guard = createUserInfoGuard(log, now);
  const findUser = createFindUser(api);

  async function get(openid: string, budgetMs: number): Promise<UserInfoAnswer> {
    const wait = Math.min(maxUserInfoWait, budgetMs);
    const found = known.get(openid);
    if (found) return found;
    if (!(wait > 0)) return { error: "user/info: no time left" };
    if (guard.skips()) return { error: userInfoSkipped };
    return await waitFor(flights.get(openid) ?? ask(openid), wait);
  }

  function ask(openid: string): Flight {
    const flight = { answer: findUser(openid).then(({ text }) => ({ text })), judged: 0 };
    flights.set(openid, flight);
    const land = (found?: { text: string }) => {
      // After a `forget`, what was asked before it is out of date.
      if (flights.get(openid) !== flight) return;
      flights.delete(openid);
      if (found) remember(openid, found);
    };
    flight.answer.then(land, () => land());
    return flight;
  }

  function remember(openid: string, found: { text: string }): void {
    known.set(openid, found);
    if (known.size > MAX_USERS) known.pop();
  }

  async function waitFor(flight: Flight, wait: number): Promise<UserInfoAnswer> {
    const { judged } = flight;
    const judge = (failure?: unknown) => {
      if (judged !== flight.judged) return;
      flight.judged++;
      guard.judge(failure);
    };
    const late = new Failure("API_UNREACHABLE", `user/info: no answer in ${Math.round(wait)} ms`);
    try {
      const found = await inTime(flight.answer, wait, () => late);
      judge();
      return found;
    } catch (error) {
      if (error !== late || wait >= fairWait) judge(error);
      if (error instanceof Failure) return { error: error.message };
      log.error(describeFailure(error), "user/info failed");
      return { error: "user/info failed" };
    }
  }

  function forget(openid: string): void {
    known.delete(openid);
    flights.delete(openid);
  }

  return { get, forget };
}
