import { describeFailure } from "../shared/api/api-failure.ts";
import { createFindUser, type FindUser } from "../shared/api/find-user.ts";
import { createUserInfoGuard, maxUserInfoWait, userInfoSkipped } from "../shared/api/user-info-guard.ts";
import type { WechatApi } from "../shared/api/wechat-api.ts";
import type { Account } from "../shared/config/config.ts";
import { Failure } from "../shared/failure.ts";
import type { Logger } from "../shared/log.ts";
import { JsonText } from "./endpoints/json-text.ts";

/** What a user has granted to a page (开发者文档 "网页授权"): the openid, and a token for the user's own data. */
export interface Grant {
  openid: string;
  accessToken: string;
}

/** How far the grant is used: `base` asks for the user with the account's token, `userinfo` with the grant's own. */
export type GrantScope = "base" | "userinfo";

/** Exchanges the code that WeChat's redirect brings. Each code works once. */
export async function exchangeCode(api: WechatApi, account: Account, code: string): Promise<Grant> {
  const { json } = await api.call("/sns/oauth2/access_token", {
    bare: true,
    query: { appid: account.appId, secret: account.appSecret, code, grant_type: "authorization_code" },
  });
  const { openid, access_token } = json;
  if (typeof openid === "string" && openid !== "" && typeof access_token === "string") {
    return { openid, accessToken: access_token };
  }
  throw new Failure("API_UNREACHABLE", "WeChat's answer to the code holds no openid");
}

/** For pages, which people wait for: at most 1 s, and not at all for 10 s after 3 failures in a row. */
export function createGuardedFindUser(api: WechatApi, log: Logger): FindUser {
  const guard = createUserInfoGuard(log);
  const findUser = createFindUser(api, maxUserInfoWait);

  return async (openid) => {
    if (guard.skips()) throw new Failure("API_UNREACHABLE", userInfoSkipped);
    try {
      const found = await findUser(openid);
      guard.judge();
      return found;
    } catch (error) {
      guard.judge(error);
      throw error;
    }
  };
}

/** The user behind a grant, every field WeChat returned, or null and the reason. */
export interface GrantedUser {
  userInfo: JsonText | null;
  /** "" when there is userInfo. */
  userInfoError: string;
}

export interface FetchUserInfoParts {
  api: WechatApi;
  findUser: FindUser;
  log: Logger;
}

/** Never rejects. With the scope `userinfo`, it takes as long as any call to WeChat may: the page asked for it. */
export async function fetchUserInfo(
  { openid, accessToken }: Grant,
  scope: GrantScope,
  { api, findUser, log }: FetchUserInfoParts,
): Promise<GrantedUser> {
  try {
    const query = { access_token: accessToken, openid, lang: "zh_CN" };
    const { text } = scope === "base" ? await findUser(openid) : await api.call("/sns/userinfo", { bare: true, query });
    return { userInfo: new JsonText(text), userInfoError: "" };
  } catch (error) {
    log.warn(describeFailure(error), "no userInfo for an authorized page");
    return { userInfo: null, userInfoError: error instanceof Failure ? error.message : "userInfo failed" };
  }
}
