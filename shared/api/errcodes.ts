interface AccountFault {
  /** What the operator can do about it. */
  advice: string;
  /** Milliseconds until asking again can make sense; without it, the ordinary back-off. */
  wait?: number;
}

const whitelist =
  "add this machine's public address to the account's IP whitelist (公众号: 设置与开发 → 基本配置 → IP白名单; 小店: channels.weixin.qq.com/shop)";
const secret = "check app-secret: it is wrong, was reset, or belongs to another account";
const appId = "check app-id: no white space, right case, right account";
const frozen = "unfreeze the AppSecret (开发密钥) or put in a new one; it takes 10 minutes to work";
const punished = "the account is limited or frozen: see the notices on mp.weixin.qq.com";
const token =
  "the bridge fetches a new one; should it come again and again, another program refreshes this account's token";
const unauthorized =
  "the account lacks the permission for this API (is it verified?), or AppID and API are of different kinds";
const daily = "the daily quota is used up: it is reset at midnight in Beijing, or by /cgi-bin/clear_quota";
const minutely = "too many calls in this minute: the next one may pass";
const busy = "WeChat is busy: the next call may pass";

/** Errcodes that say something about the account or WeChat itself, not about this one request. */
const accountFaults: Readonly<Record<number, AccountFault>> = {
  [-1]: { advice: busy },
  40001: { advice: `${token}; when fetching a token: ${secret}` },
  40013: { advice: appId },
  40014: { advice: token },
  40125: { advice: secret },
  40164: { advice: whitelist },
  40243: { advice: frozen },
  41001: { advice: token },
  41002: { advice: appId },
  41004: { advice: secret },
  42001: { advice: token },
  45009: { advice: daily, wait: 60_000 },
  45011: { advice: minutely, wait: 60_000 },
  45035: { advice: whitelist },
  48001: { advice: unauthorized },
  48004: { advice: punished },
  50002: { advice: punished },
  50004: { advice: punished },
  61004: { advice: whitelist },
};

/** What WeChat means by `errcode` when every call of the account would meet it; undefined for faults of one request. */
export function accountFault(errcode: number): AccountFault | undefined {
  return Object.hasOwn(accountFaults, errcode) ? accountFaults[errcode] : undefined;
}

const tokenFaults: readonly number[] = [40001, 40014, 42001];

/** Tells whether `errcode`, as the answer to a call that carried an access_token, means that the token is not valid. */
export function refusesToken(errcode: number): boolean {
  return tokenFaults.includes(errcode);
}
