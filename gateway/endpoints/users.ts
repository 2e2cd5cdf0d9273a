import { createFindUser } from "../../shared/api/find-user.ts";
import { Failure } from "../../shared/failure.ts";
import { exchangeCode, fetchUserInfo, type GrantScope } from "../web-authorization-grant.ts";
import type { Endpoint } from "./endpoint.ts";
import { JsonText } from "./json-text.ts";

/** `wx-user`: a user of the account, with every field that WeChat returns. */
export const findUser: Endpoint = async ({ api, parameters }) => {
  const openid = parameters.need("o", "o(penid)");
  const { text } = await createFindUser(api)(openid);
  return { userInfo: new JsonText(text) };
};

/** The names of scopes, with the one that the seed's documents misspell. */
const scopes = new Map<string, GrantScope>([
  ["", "base"],
  ["base", "base"],
  ["snsapi_base", "base"],
  ["snsn_api_base", "base"],
  ["sns_base", "base"],
  ["userinfo", "userinfo"],
  ["snsapi_userinfo", "userinfo"],
  ["sns_userinfo", "userinfo"],
]);

/** `sns-auth2`: who has authorized a page elsewhere, by its code. `error` says why there is no userInfo. */
export const authorizeUser: Endpoint = async ({ account, api, parameters, log }) => {
  const code = parameters.need("code");
  const scope = scopes.get(parameters.get("scope"));
  if (scope === undefined) {
    throw new Failure("ARGUMENT_MISSING", 'scope must be "userinfo", "base", "snsapi_userinfo" or "snsapi_base"');
  }
  const grant = await exchangeCode(api, account, code);
  const { userInfo, userInfoError } = await fetchUserInfo(grant, scope, { api, findUser: createFindUser(api), log });
  return { openId: grant.openid, userInfo, error: userInfoError };
};
