import { join } from "node:path";
import { isAddressOrBlock } from "../shared/address-block.ts";
import { describeFailure } from "../shared/api/api-failure.ts";
import { createKeptFile } from "../shared/api/kept-file.ts";
import type { WechatApi } from "../shared/api/wechat-api.ts";
import type { Account } from "../shared/config/config.ts";
import { Failure } from "../shared/failure.ts";
import { inTime } from "../shared/in-time.ts";
import type { Logger } from "../shared/log.ts";
import { createAddressFilter, type AddressFilter } from "./address-filter.ts";

/** WeChat's own addresses, kept up to date. */
export interface AllowedAddresses extends AddressFilter {
  /** Begins to fetch; returns at once. */
  start(): void;
  /** Resolves when there is a list; rejects with `NOT_HELD` (503: WeChat pushes again) after 2 s without one. */
  ready(): Promise<void>;
  stop(): void;
}

export interface AllowedAddressesOptions {
  account: Pick<Account, "appId">;
  /** The folder whose file `<appid>.callbackip` keeps the list over a restart; undefined = memory only. */
  cacheDir?: string | undefined;
  api: WechatApi;
  log: Logger;
  /** Milliseconds from a list to the next, from a failure to the next try, and the same while there is no list. */
  waits?: { refresh: number; retry: number; first: number };
}

const maxWait = 2000;
const usualWaits = { refresh: 24 * 3_600_000, retry: 5 * 60_000, first: 10_000 };

/**
 * The addresses that WeChat pushes from (开发者文档 "获取微信服务器IP地址", getcallbackip), fetched at the start and daily. A
 * list stays until the next one has come, however often that fails, and over a restart. Before the first one, nobody is
 * let in.
 */
export function createAllowedAddresses(options: AllowedAddressesOptions): AllowedAddresses {
  const { account, cacheDir, api, log, waits = usualWaits } = options;
  const file = createKeptFile<string[]>({
    path: cacheDir && join(cacheDir, `${account.appId}.callbackip`),
    name: "address",
    fieldsOf: (list) => ({ ip_list: list }),
    valueOf: ({ ip_list: list }) => readList(list),
    log,
  });
  let round = Promise.withResolvers<void>();
  let filter: AddressFilter | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function begin(): Promise<void> {
    const kept = await file.read();
    if (kept !== undefined) {
      filter = createAddressFilter(kept);
      endRound();
    }
    if (!stopped) await refresh();
  }

  /** A new one each time, so that those who waited in vain are forgotten. */
  function endRound(): void {
    round.resolve();
    round = Promise.withResolvers();
  }

  async function refresh(): Promise<void> {
    const wait = await fetchList();
    endRound();
    if (!stopped) timer = setTimeout(() => void refresh(), wait).unref();
  }

  async function fetchList(): Promise<number> {
    try {
      const list = readList((await api.call("/cgi-bin/getcallbackip")).json["ip_list"]);
      filter = createAddressFilter(list);
      log.info({ addresses: list.length }, "WeChat's addresses fetched");
      void file.write(list);
      return waits.refresh;
    } catch (error) {
      const fate = filter ? "the last list stays" : "no push is taken without them";
      log[filter ? "warn" : "error"](describeFailure(error), `WeChat's addresses not fetched: ${fate}`);
      return filter ? waits.retry : waits.first;
    }
  }

  async function ready(): Promise<void> {
    if (!filter) await inTime(round.promise, maxWait, notKnown);
    if (!filter) throw notKnown();
  }

  return {
    start: () => void begin(),
    ready,
    allows: (address) => filter?.allows(address) ?? false,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function notKnown(): Failure {
  return new Failure("NOT_HELD", "WeChat's addresses are not known yet");
}

/** Addresses and CIDR blocks. What is neither is left out; without any, the list is none. */
function readList(list: unknown): string[] {
  const good = (Array.isArray(list) ? list : []).filter((item) => typeof item === "string" && isAddressOrBlock(item));
  if (good.length === 0) throw new Failure("API_UNREACHABLE", "WeChat's answer holds no addresses");
  return good as string[];
}
