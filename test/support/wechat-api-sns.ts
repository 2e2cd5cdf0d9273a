import { randomBytes } from "node:crypto";
import type { WechatError } from "./wechat-api-tokens.ts";

type Query = Readonly<Record<string, string>>;

/** OAuth on a web page: a code for a user's token, and the token for the user's own data. */
export interface SnsApi {
  exchangeCode(query: Query): object;
  userInfo(query: Query): object;
}

interface Grant {
  openid: string;
  scope: string;
}

/**
 * Plays /sns. A code starting with `bad` is invalid and one used before is refused; the openid is `oOPENID_<code>`, and
 * the scope snsapi_base for a code that starts with `base`, else snsapi_userinfo.
 */
export function createSnsApi(): SnsApi {
  const used = new Set<string>();
  const grants = new Map<string, Grant>();

  function exchangeCode({ code = "", grant_type }: Query): object {
    if (grant_type !== "authorization_code") return error(40002, "invalid grant_type");
    if (code === "") return error(41008, "missing code");
    if (code.startsWith("bad")) return error(40029, "invalid code");
    if (used.has(code)) return error(40163, "code been used");
    used.add(code);
    const grant = { openid: `oOPENID_${code}`, scope: code.startsWith("base") ? "snsapi_base" : "snsapi_userinfo" };
    const access_token = `SNS_${randomBytes(16).toString("base64url")}`;
    grants.set(access_token, grant);
    return { access_token, expires_in: 7200, refresh_token: `REFRESH_${code}`, ...grant };
  }

  function userInfo({ access_token = "", openid }: Query): object {
    const grant = grants.get(access_token);
    if (!grant) return error(40001, "invalid credential, access_token is invalid or not latest");
    if (grant.openid !== openid) return error(40003, "invalid openid");
    if (grant.scope === "snsapi_base") return error(48001, "api unauthorized");
    return { ...person, openid };
  }

  return { exchangeCode, userInfo };
}

const person = {
  openid: "",
  nickname: '李四 <b>&"',
  sex: 0,
  province: "",
  city: "",
  country: "",
  headimgurl:
    "https://thirdwx.qlogo.cn/mmopen/g3MonUZtNHkdmzicIlibx6iaFqAc56vxLSUfpb6n5WKSYVY0ChQKkiaJSgQ1dZuTOgvLLrhJbERQQ4eMsv84eavHiaiceqxibJxCfHe/46",
  privilege: [],
  unionid: "o6_bmasdasdsad6_2sgVt7hMZOPfL",
};

function error(errcode: number, errmsg: string): WechatError {
  return { errcode, errmsg };
}
