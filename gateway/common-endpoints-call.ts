import type { FastifyRequest } from "fastify";
import { createJsapiTicketStore } from "../shared/api/jsapi-ticket-store.ts";
import type { WechatApis } from "../shared/api/wechat-apis.ts";
import type { Config } from "../shared/config/config.ts";
import { Failure } from "../shared/failure.ts";
import type { Logger } from "../shared/log.ts";
import type { EndpointCall } from "./endpoints/endpoint.ts";
import { readParameters } from "./endpoints/parameters.ts";

export interface CommonEndpointsParts {
  config: Config;
  apis: WechatApis;
  log: Logger;
}

/** Reads a request to a common endpoint. Rejects with `ARGUMENT_MISSING` when its `s` names no service. */
export type OpenCall = (request: FastifyRequest) => Promise<EndpointCall>;

/** Makes the opener of all endpoints: the accounts' jsapi tickets are shared by all calls. */
export function createOpenCall({ config, apis, log }: CommonEndpointsParts): OpenCall {
  const callers = new Map<string, Omit<EndpointCall, "parameters">>();
  for (const account of config.accounts) {
    const api = apis.of(account);
    const accountLog = log.child({ service: account.name });
    const jsapiTickets = createJsapiTicketStore({ account, cacheDir: config.tokenCacheDir, api, log: accountLog });
    callers.set(account.name, { account, api, jsapiTickets, log: accountLog });
  }

  return async (request) => {
    const parameters = await readParameters(request);
    const caller = callers.get(parameters.need("s", "s(ervice)"));
    if (caller === undefined) throw new Failure("ARGUMENT_MISSING", "s(ervice) is the name of no service");
    return { ...caller, parameters };
  };
}
