import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import type { WechatApis } from "../shared/api/wechat-apis.ts";
import type { Bus } from "../shared/bus/bus.ts";
import { declareAtStart } from "../shared/bus/declare-at-start.ts";
import { journalSchema } from "../shared/bus/journal.ts";
import { createNames, type Names } from "../shared/bus/names.ts";
import { bridgeTopology } from "../shared/bus/bridge-topology.ts";
import type { Account, Config } from "../shared/config/config.ts";
import { createHttpClose } from "../shared/http-close.ts";
import { explainListenError } from "../shared/listen-error.ts";
import { DigestSet } from "../shared/digest-set.ts";
import type { Logger } from "../shared/log.ts";
import type { Metrics } from "../shared/metrics.ts";
import type { Store } from "../shared/store/store.ts";
import { anyAddress, createAddressFilter, type AddressFilter } from "./address-filter.ts";
import { createAllowedAddresses } from "./allowed-addresses.ts";
import { addCommonEndpoints } from "./common-endpoints.ts";
import { createLateness } from "./lateness.ts";
import { readyForBroker } from "./left-behind.ts";
import { createExchange } from "./exchange.ts";
import { createHold, createHoldOnBroker, type Hold, type HoldOnBroker } from "./hold.ts";
import { createHttpServer } from "./http-server.ts";
import { prefixSchema } from "./names-on-disk.ts";
import { createOnce, type Once } from "./once.ts";
import { createPushOpener } from "./open-push.ts";
import { createPublished, publishedSchema } from "./published.ts";
import { createPushHandler } from "./push-handler.ts";
import { addPushRoutes } from "./push-routes.ts";
import { createReplies, type Replies } from "./replies.ts";
import { createReplyQueue, type ReplyQueue } from "./reply-queue.ts";
import { createReplyTaker } from "./reply-taker.ts";
import { createSpool, spoolOutcomes, type Spool } from "./spool.ts";
import { spoolSchema, type Spooled } from "./spool-table.ts";
import { createRetriesWindow, createSingleTry } from "./tries.ts";
import { watchUnconsumed } from "./unconsumed.ts";
import { addWebAuthorization } from "./web-authorization.ts";

export interface GatewayParts {
  config: Config;
  bus: Bus;
  /** The process's database below `data-dir`; undefined without one. */
  store: Store | undefined;
  apis: WechatApis;
  /** The internal listener's app: the common endpoints move there when the config sets that listener. */
  internal: FastifyInstance;
  log: Logger;
  metrics: Metrics;
}

export interface Gateway {
  /** Where pushes come in, once `listen` has resolved. */
  readonly port: number;
  /** Rejects with `CONFIG_INVALID` when it cannot listen where the config says. */
  listen(): Promise<void>;
  /** Stops accepting, answers what is in flight, and takes the reply queue away. */
  close(): Promise<void>;
}

/** How long one push from the spool may wait for its confirm, in ms. */
const SPOOL_TIMEOUT = 10_000;
/** Pushes whose reply the user has got, remembered so that no second one is sent; 24 bytes each. */
const REPLIED = 1_000_000;

/** HTTP in, AMQP out: verifies pushes, publishes them and answers with their replies. */
export function createGateway({ config, bus, store, apis, internal, log, metrics }: GatewayParts): Gateway {
  const names = createNames(config.amqpPrefix);
  if (store && config.amqp) readyForBroker(store.database, names, log);
  const published = createPublished({ store, log, onForgotten: () => metrics.forgotten.inc() });
  const sendsLate = config.accounts.some(({ lateReply }) => lateReply === "customer-service");
  const once = createOnce(published, sendsLate ? new DigestSet(REPLIED) : undefined);
  const holdOnBroker = createHoldOnBroker({ accounts: config.accounts, bus, names, log });
  const spool = store && openSpool({ config, bus, store, names, hold: holdOnBroker, log, metrics });
  const hold = createHold(holdOnBroker, bus, spool);
  const replies = createReplies((identity) => once.wasReplied(identity));
  const replyQueue = createReplyQueue({
    bus,
    names,
    onReply: createReplyTaker(config, replies, once, log, metrics),
    log,
  });
  const lateness = createLateness();
  const app = createHttpServer({
    serviceOf: createServiceOf(config.accounts),
    lateness: () => lateness.ms(),
    log,
    metrics,
  });
  const closeHttp = createHttpClose(app);
  for (const account of config.accounts) {
    addAccount(app, account, {
      config,
      apis,
      hold,
      names,
      replies,
      replyQueue,
      once,
      log: log.child({ service: account.name }),
      metrics,
    });
  }
  addCommonEndpoints(app, internal, { config, apis, log });
  let endWatch: (() => void) | undefined;

  return {
    get port() {
      return (app.server.address() as AddressInfo).port;
    },
    async listen() {
      const declaring = Promise.all([
        declareAtStart(bus, bridgeTopology(config), log, "serving before the topology is declared"),
        replyQueue.consume(),
      ]);
      const address = { host: config.listenHost, port: config.listenPort };
      await app.listen(address).catch(explainListenError("public", address)); // pushes need not wait for the broker
      await declaring;
      endWatch = watchUnconsumed({ accounts: config.accounts, bus, names, log });
    },
    async close() {
      endWatch?.();
      await closeHttp();
      lateness.close();
      await Promise.all([replyQueue.close(), spool?.close()]);
      published.close();
    },
  };
}

interface OpenSpoolParts extends Pick<GatewayParts, "config" | "bus" | "log" | "metrics"> {
  store: Store;
  names: Names;
  hold: HoldOnBroker;
}

/** The spool of a gateway with a `data-dir`, whose counters begin at 0 for every account. */
function openSpool({ config, bus, store, names, hold, log, metrics }: OpenSpoolParts): Spool {
  for (const { name: service } of config.accounts) {
    for (const outcome of spoolOutcomes) metrics.spool.begin({ service, outcome });
  }
  const publish = async (push: Spooled): Promise<void> => {
    if ((await hold(push, SPOOL_TIMEOUT)) === "routed") return;
    const { service, message } = push;
    const line = { identity: message.properties.messageId, service, queue: names.unrouted };
    log.warn(line, "no queue takes a push from the disk, it is kept in unrouted");
  };
  return createSpool({ store, names, publish, isReady: () => bus.publishes, log, metrics });
}

/** Names the account of a path, its service path or its redirect path, for logs and metrics. */
function createServiceOf(accounts: readonly Account[]): (path: string) => string {
  const services = new Map<string | undefined, string>(
    accounts.flatMap(({ servicePath, redirectPath, redirectUrl, name }) => [
      [servicePath, name],
      [redirectUrl && redirectPath, name],
    ]),
  );
  return (path) => services.get(path) ?? "other";
}

/** Tables of everything a process keeps on disk. */
export const storeSchema = `${spoolSchema}; ${publishedSchema}; ${journalSchema}; ${prefixSchema}`;

interface AccountParts extends Pick<GatewayParts, "config" | "apis" | "log" | "metrics"> {
  hold: Hold;
  names: Names;
  replies: Replies;
  replyQueue: ReplyQueue;
  once: Once;
}

function addAccount(app: FastifyInstance, account: Account, parts: AccountParts): void {
  const opener = createPushOpener(account);
  const exchange = createExchange({ account, ...parts });
  const createTry = account.replyWindow === "retries" ? createRetriesWindow : createSingleTry;
  const answerTry = createTry(account, exchange, parts.once);
  const answerPush = createPushHandler({ account, opener, answerTry, ...parts });
  addPushRoutes(app, account, { opener, answerPush, addresses: addressesOf(account, app, parts) });
  addWebAuthorization(app, { account, api: parts.apis.of(account), log: parts.log });
}

function addressesOf(account: Account, app: FastifyInstance, { config, apis, log }: AccountParts): AddressFilter {
  if (account.allowFrom !== "wechat") return account.allowFrom ? createAddressFilter(account.allowFrom) : anyAddress;
  const addresses = createAllowedAddresses({ account, cacheDir: config.tokenCacheDir, api: apis.of(account), log });
  app.addHook("onReady", async () => addresses.start());
  app.addHook("onClose", async () => addresses.stop());
  return addresses;
}
