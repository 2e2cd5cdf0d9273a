import type { Dispatcher } from "undici";
import type { WechatAnswer } from "./answer.ts";
import { ApiFailure } from "./api-failure.ts";
import { createAsk, type AskRequest } from "./ask.ts";
import { refusesToken } from "./errcodes.ts";
import { createTokenStore, type TokenStoreOptions } from "./token-store.ts";

export interface CallOptions extends AskRequest {
  /** True for calls that need no access_token of the account or bring their own, such as those below `/sns/`. */
  bare?: boolean | undefined;
  /** Awaited when the access_token is there, before each request; a rejection calls it off. */
  beforeSend?: (() => Promise<void>) | undefined;
  /** Called when WeChat refused a request for its access_token, and so did nothing with it. */
  onTokenRefused?: (() => void) | undefined;
}

/** WeChat's server API on behalf of one account. */
export interface WechatApi {
  /**
   * Calls `path` with the account's access_token. `timeout` (default 5000 ms) bounds all of it, the fetching of a token
   * included. An access_token that WeChat refuses is renewed once and the call repeated once; after a timeout or any
   * other failure it is not, since it might do the same thing twice. Rejects as `Ask` does, and with `CONFIG_INVALID`
   * when the account has no app-secret.
   */
  call(path: string, options?: CallOptions): Promise<WechatAnswer>;
}

export interface WechatApiOptions extends TokenStoreOptions {
  /** Takes the bare calls. Default: `http`. */
  bareHttp?: Dispatcher;
}

/** Makes the client of one account. Processes that name the same `cacheDir` share its access_token. */
export function createWechatApi(options: WechatApiOptions): WechatApi {
  const { account, apiBase, http, bareHttp = http } = options;
  const tokens = createTokenStore(options);
  const secrets = [account.appSecret];
  const ask = createAsk({ apiBase, http, secrets });
  const askBare = createAsk({ apiBase, http: bareHttp, secrets });

  async function call(
    path: string,
    { bare, beforeSend, onTokenRefused, timeout = 5000, ...request }: CallOptions = {},
  ): Promise<WechatAnswer> {
    const left = countDown(timeout);
    const getToken = () => tokens.get(Date.now() + left());
    const askWith = async (token: string) => {
      await beforeSend?.();
      const query = { ...request.query, access_token: token };
      return ask(path, { ...request, query, timeout: left() }).catch((error: unknown) => {
        if (isTokenRefused(error)) onTokenRefused?.();
        throw error;
      });
    };

    if (bare) return askBare(path, { ...request, timeout });
    const token = await getToken();
    try {
      return await askWith(token);
    } catch (error) {
      if (!isTokenRefused(error)) throw error;
      tokens.drop(token);
    }
    return askWith(await getToken());
  }

  return { call };
}

function isTokenRefused(error: unknown): boolean {
  return error instanceof ApiFailure && refusesToken(error.errcode);
}

function countDown(ms: number): () => number {
  const end = performance.now() + ms;
  return () => Math.max(0, end - performance.now());
}
