import type { CredentialStore } from "../../shared/api/credential-store.ts";
import type { WechatApi } from "../../shared/api/wechat-api.ts";
import type { Account } from "../../shared/config/config.ts";
import type { Logger } from "../../shared/log.ts";
import type { Parameters } from "./parameters.ts";

/** A call of a common endpoint, on behalf of the account that its `s` names. */
export interface EndpointCall {
  account: Account;
  api: WechatApi;
  jsapiTickets: CredentialStore;
  parameters: Parameters;
  log: Logger;
}

/**
 * What an endpoint answers beside `code` and `msg`. Throws the `Failure` that the caller is told: `ARGUMENT_MISSING` for
 * parameters that are missing or wrong, and those of WeChat's API.
 */
export type Endpoint = (call: EndpointCall) => Promise<Record<string, unknown>>;
