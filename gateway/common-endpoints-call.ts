import type { FastifyRequest } from "fastify";
import type { CredentialStore } from "../shared/api/credential-store.ts";
import { createJsapiTicketStore } from "../shared/api/jsapi-ticket-store.ts";
import type { WechatApis } from "../shared/api/wechat-apis.ts";
import type { Account, Config } from "../shared/config/config.ts";
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
  const accounts = new Map(config.accounts.map((account) => [account.name, account]));
  const ticketStores = new Map<string, CredentialStore>();

  function jsapiTicketsOf(account: Account, log: Logger): CredentialStore {
    const found = ticketStores.get(account.name);
    if (found) return found;
    const store = createJsapiTicketStore({ account, cacheDir: config.tokenCacheDir, api: apis.of(account), log });
    ticketStores.set(account.name, store);
    return store;
  }

  return async (request) => {
    const parameters = await readParameters(request);
    const service = parameters.need("s", "s(ervice)");
    const account = accounts.get(service);
    if (account === undefined) throw new Failure("ARGUMENT_MISSING", "s(ervice) is the name of no service");
    const api = apis.of(account);
    const accountLog = log.child({ service });
    return { account, api, parameters, jsapiTickets: jsapiTicketsOf(account, accountLog), log: accountLog };
  };
}
