import { describeFailure } from "../shared/api/api-failure.ts";
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

/** The user behind a grant, every field WeChat returned, or null and the reason. Never rejects. */
export interface GrantedUser {
  userInfo: JsonText | null;
  /** "" when there is userInfo. */
  userInfoError: string;
}

export async function fetchUserInfo(
  api: WechatApi,
  { openid, accessToken }: Grant,
  scope: GrantScope,
  log: Logger,
): Promise<GrantedUser> {
  const query = { openid, lang: "zh_CN" };
  try {
    const { text } =
      scope === "base"
        ? await api.call("/cgi-bin/user/info", { query })
        : await api.call("/sns/userinfo", { bare: true, query: { access_token: accessToken, ...query } });
    return { userInfo: new JsonText(text), userInfoError: "" };
  } catch (error) {
    log.warn(describeFailure(error), "no userInfo for an authorized page");
    return { userInfo: null, userInfoError: error instanceof Failure ? error.message : "userInfo failed" };
  }
}
