import { Agent } from "undici";
import type { Account, Config } from "../config/config.ts";
import type { Logger } from "../log.ts";
import { lookupTogether } from "../lookup-together.ts";
import { createWechatApi, type WechatApi } from "./wechat-api.ts";

/** WeChat's API for every account of a process: one client each, so that all who need a token share it. */
export interface WechatApis {
  of(account: Account): WechatApi;
  close(): Promise<void>;
}

/**
 * Connections for calls with no access_token of an account, which anybody who asks for a page brings about: each could
 * else take one, and leave none for pushes.
 */
const MAX_BARE = 100;

export function createWechatApis(config: Pick<Config, "tokenCacheDir" | "wxApiBase">, log: Logger): WechatApis {
  // Not HTTP/2: all would share one connection, and a call given up would leave it in use although it may be dead.
  const options = { allowH2: false, connect: { lookup: lookupTogether } };
  const http = new Agent(options);
  const bareHttp = new Agent({ ...options, connections: MAX_BARE });
  const apis = new Map<string, WechatApi>();
  return {
    of(account) {
      let api = apis.get(account.name);
      if (api === undefined) {
        const { tokenCacheDir: cacheDir, wxApiBase: apiBase } = config;
        const accountLog = log.child({ service: account.name });
        api = createWechatApi({ account, cacheDir, apiBase, http, bareHttp, log: accountLog });
        apis.set(account.name, api);
      }
      return api;
    },
    async close() {
      await Promise.all([http.destroy(), bareHttp.destroy()]);
    },
  };
}
