import type { FastifyInstance, FastifyRequest } from "fastify";
import type { WechatApi } from "../shared/api/wechat-api.ts";
import { basicAuthorizationOf } from "../shared/basic-authorization.ts";
import type { Account } from "../shared/config/config.ts";
import { Failure } from "../shared/failure.ts";
import type { Logger } from "../shared/log.ts";
import { writeJson } from "./endpoints/json-text.ts";
import { headersForBackend } from "./redirect-headers.ts";
import { createRelay } from "./redirect-relay.ts";
import {
  createGuardedFindUser,
  exchangeCode,
  fetchUserInfo,
  type Grant,
  type GrantedUser,
  type GrantScope,
} from "./web-authorization-grant.ts";

export interface WebAuthorizationParts {
  account: Account;
  api: WechatApi;
  log: Logger;
}

/**
 * Adds an account's redirect path, where WeChat's web authorization (开发者文档 "网页授权") sends browsers: the code is
 * exchanged, the user described, the whole request passed on to `redirect-url`, and its answer passed back. Other
 * methods than GET are refused, HEAD too: it would use up the code. Without redirect-url there is no such route.
 */
export function addWebAuthorization(app: FastifyInstance, { account, api, log }: WebAuthorizationParts): void {
  const { redirectPath, redirectUrl } = account;
  if (redirectPath === undefined || redirectUrl === undefined) return;
  const url = new URL(redirectUrl);
  const authorization = basicAuthorizationOf(url);
  const relay = createRelay(log);
  const findUser = createGuardedFindUser(api, log);

  app.get(redirectPath, { exposeHeadRoute: false }, async (request, reply) => {
    const { code, state } = readArguments(request);
    const grant = await exchangeCode(api, account, code);
    const user = await fetchUserInfo(grant, scopeOf(request, account), { api, findUser, log });
    const body = Buffer.from(writeMessage({ request, account, grant, state, user }));
    const headers = headersForBackend(request.raw, request, body, authorization);
    return relay(reply, { url, headers, body, timeout: account.backendTimeout });
  });
}

function readArguments(request: FastifyRequest): { code: string; state: string } {
  const query = request.query as Partial<Record<string, string | string[]>>;
  const [code, state] = [query["code"], query["state"]].map((value) => [value].flat()[0]);
  if (code && state) return { code, state };
  throw new Failure("ARGUMENT_MISSING", "argument expected: code and state");
}

/** The flag may stand anywhere in the request URI, its path included. */
function scopeOf(request: FastifyRequest, { redirectUserinfoFlag: flag }: Account): GrantScope {
  return flag !== undefined && request.url.includes(flag) ? "userinfo" : "base";
}

interface MessageParts {
  request: FastifyRequest;
  account: Account;
  grant: Grant;
  state: string;
  user: GrantedUser;
}

function writeMessage({ request, account, grant, state, user }: MessageParts): string {
  return writeJson({ appId: account.appId, openId: grant.openid, requestURI: request.url, state, ...user });
}
