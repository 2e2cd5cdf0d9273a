import { randomBytes } from "node:crypto";

/** WeChat's error as its JSON says it. */
export interface WechatError {
  errcode: number;
  errmsg: string;
}

/** What both token endpoints answer. */
export interface TokenAnswer {
  access_token: string;
  /** Seconds left. */
  expires_in: number;
}

/** The access tokens that the platform has handed out. */
export interface AccessTokens {
  /** stable_token: the same token until it is expired, invalidated or, with `force`, replaced. */
  stable(appid: string, force: boolean): TokenAnswer;
  /** /cgi-bin/token: always a new one, which invalidates the one before; apart from the stable ones. */
  renew(appid: string): TokenAnswer;
  /** Undefined for a token that is good. */
  check(accessToken: string | undefined): WechatError | undefined;
  /** Makes every token invalid, as a change of the AppSecret does. */
  invalidate(): void;
}

const invalid: WechatError = {
  errcode: 40001,
  errmsg: "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken",
};

/** Keeps tokens that live `expiresIn` seconds, which may be a fraction. */
export function createAccessTokens(expiresIn: number): AccessTokens {
  const latest = new Map<string, string>();
  const expiries = new Map<string, number>();

  function issue(key: string): TokenAnswer {
    invalidateOf(key);
    const token = `AT_${randomBytes(24).toString("base64url")}`;
    latest.set(key, token);
    expiries.set(token, Date.now() + expiresIn * 1000);
    return answerOf(token);
  }

  function invalidateOf(key: string): void {
    expiries.delete(latest.get(key) ?? "");
  }

  function answerOf(token: string): TokenAnswer {
    return { access_token: token, expires_in: Math.ceil(msLeft(token) / 1000) };
  }

  function msLeft(token: string): number {
    return (expiries.get(token) ?? 0) - Date.now();
  }

  return {
    stable(appid, force) {
      const token = latest.get(`stable ${appid}`);
      return token !== undefined && msLeft(token) > 0 && !force ? answerOf(token) : issue(`stable ${appid}`);
    },
    renew: (appid) => issue(`token ${appid}`),
    check(token) {
      if (!token) return { errcode: 41001, errmsg: "access_token missing" };
      if (!expiries.has(token)) return invalid;
      return msLeft(token) > 0 ? undefined : { errcode: 42001, errmsg: "access_token expired" };
    },
    invalidate: () => [...latest.keys()].forEach(invalidateOf),
  };
}
