import { isFailure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { ApiFailure, describeFailure } from "./api-failure.ts";
import { accountFault } from "./errcodes.ts";

/** Milliseconds that a push or a page waits for user/info at most. */
export const maxUserInfoWait = 1000;

/** Why there is no userInfo while the guard skips its calls. */
export const userInfoSkipped = "user/info skipped after 3 failures in a row";

/** Leaves WeChat alone for 10 s after 3 failures of user/info in a row. */
export interface UserInfoGuard {
  /** True while calls are to be skipped. The caller that first finds the pause over tries on behalf of all. */
  skips(): boolean;
  /** Counts what came of a call; without a failure, it was answered. */
  judge(failure?: unknown): void;
}

const maxFailures = 3;
const pause = 10_000;

/** The guard of one account, whose `log` names it. `now`: monotonic, in milliseconds; default `performance.now`. */
export function createUserInfoGuard(log: Logger, now: () => number = () => performance.now()): UserInfoGuard {
  let failures = 0;
  let until = 0;

  function skips(): boolean {
    if (failures < maxFailures) return false;
    if (now() < until) return true;
    until = now() + pause;
    return false;
  }

  function judge(failure?: unknown): void {
    if (!isOutage(failure)) {
      if (failures >= maxFailures) log.info("user/info answers again");
      failures = 0;
      return;
    }
    failures++;
    if (failures < maxFailures) return;
    until = now() + pause;
    if (failures === maxFailures) log.warn(describeFailure(failure), "user/info skipped: 3 failures in a row");
  }

  return { skips, judge };
}

/** No answer, or one that every call of this account would get; not an answer about this openid, such as 40003. */
function isOutage(failure: unknown): boolean {
  if (failure instanceof ApiFailure) return accountFault(failure.errcode) !== undefined;
  return isFailure(failure, "API_UNREACHABLE");
}
