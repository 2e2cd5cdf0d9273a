import { join } from "node:path";
import type { Account } from "../config/config.ts";
import type { Logger } from "../log.ts";
import { createCredentialFile } from "./credential-file.ts";
import { createCredentialStore, credentialFrom, type CredentialStore } from "./credential-store.ts";
import type { WechatApi } from "./wechat-api.ts";

export interface JsapiTicketStoreOptions {
  account: Pick<Account, "appId">;
  /** The folder whose file `<appid>.ticket` processes share; undefined = memory only. */
  cacheDir?: string | undefined;
  api: WechatApi;
  log: Logger;
  /** Monotonic, in milliseconds; default `performance.now`. */
  now?: (() => number) | undefined;
}

/** The jsapi_ticket of one account, which web pages are signed with, from `/cgi-bin/ticket/getticket`. */
export function createJsapiTicketStore({ account, cacheDir, api, log, now }: JsapiTicketStoreOptions): CredentialStore {
  const file = createCredentialFile({
    path: cacheDir ? join(cacheDir, `${account.appId}.ticket`) : undefined,
    field: "ticket",
    log,
  });
  const fetch = async () =>
    credentialFrom(await api.call("/cgi-bin/ticket/getticket", { query: { type: "jsapi" } }), "ticket");
  return createCredentialStore({ name: "jsapi_ticket", file, fetch, log, now });
}
