import { join } from "node:path";
import type { Dispatcher } from "undici";
import type { Account } from "../config/config.ts";
import { Failure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { createAsk, type Ask } from "./ask.ts";
import { createCredentialFile } from "./credential-file.ts";
import { createCredentialStore, credentialFrom, type CredentialStore } from "./credential-store.ts";

export interface TokenStoreOptions {
  account: Pick<Account, "appId" | "appSecret" | "tokenApi" | "name">;
  /** The folder whose file `<appid>` processes share; undefined = memory only. */
  cacheDir?: string | undefined;
  apiBase: string;
  http: Dispatcher;
  log: Logger;
  /** Monotonic, in milliseconds; default `performance.now`. */
  now?: (() => number) | undefined;
}

/**
 * The access_token of one account, from `/cgi-bin/stable_token` or, with token-api "token", `/cgi-bin/token`.
 * Without an app-secret every `get` rejects with `CONFIG_INVALID` and nothing is asked.
 */
export function createTokenStore(options: TokenStoreOptions): CredentialStore {
  const { account, cacheDir, apiBase, http, log, now } = options;
  if (!account.appSecret) return createEmptyStore(account.name);
  const ask = createAsk({ apiBase, http, secrets: [account.appSecret] });
  const file = createCredentialFile({
    path: cacheDir ? join(cacheDir, account.appId) : undefined,
    field: "token",
    log,
  });
  const fetch = async (force: boolean) => credentialFrom(await askToken(ask, account, force), "access_token");
  return createCredentialStore({ name: "access_token", file, fetch, log, now });
}

function askToken(ask: Ask, { appId, appSecret, tokenApi }: TokenStoreOptions["account"], force: boolean) {
  const identity = { grant_type: "client_credential", appid: appId, secret: appSecret };
  return tokenApi === "token"
    ? ask("/cgi-bin/token", { query: identity })
    : ask("/cgi-bin/stable_token", { body: { ...identity, force_refresh: force } });
}

function createEmptyStore(service: string): CredentialStore {
  return {
    get: async () => {
      throw new Failure("CONFIG_INVALID", `no app-secret configured for ${service}`);
    },
    drop: () => undefined,
  };
}
