import { Agent } from "undici";
import type { Account, Config } from "../config/config.ts";
import type { Logger } from "../log.ts";
import { createWechatApi, type WechatApi } from "./wechat-api.ts";

/** WeChat's API for every account of a process: one client each, so that all who need a token share it. */
export interface WechatApis {
  of(account: Account): WechatApi;
  close(): Promise<void>;
}

export function createWechatApis(config: Pick<Config, "tokenCacheDir" | "wxApiBase">, log: Logger): WechatApis {
  const http = new Agent();
  const apis = new Map<string, WechatApi>();
  return {
    of(account) {
      let api = apis.get(account.name);
      if (api === undefined) {
        const { tokenCacheDir: cacheDir, wxApiBase: apiBase } = config;
        api = createWechatApi({ account, cacheDir, apiBase, http, log: log.child({ service: account.name }) });
        apis.set(account.name, api);
      }
      return api;
    },
    close: () => http.destroy(),
  };
}
