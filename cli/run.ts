import { createDispatcher } from "../dispatcher/dispatcher.ts";
import { createGateway, storeSchema } from "../gateway/gateway.ts";
import { usePrefix } from "../gateway/names-on-disk.ts";
import { createWechatApis, type WechatApis } from "../shared/api/wechat-apis.ts";
import { createAmqpBus } from "../shared/bus/amqp-bus.ts";
import type { Bus } from "../shared/bus/bus.ts";
import { createJournal } from "../shared/bus/journal.ts";
import { MemoryBus } from "../shared/bus/memory-bus.ts";
import { internalPorts, type Config } from "../shared/config/config.ts";
import { createInternalServer } from "../shared/internal-server.ts";
import type { Logger } from "../shared/log.ts";
import { createMetrics } from "../shared/metrics.ts";
import { openStore, type Store } from "../shared/store/store.ts";
import { createConsumers, loadConsumers } from "./consumers.ts";

export type Role = "start" | "gateway" | "dispatcher";

export interface RunningBridge {
  /** Port of the service paths; undefined for a dispatcher. */
  port: number | undefined;
  internalPort: number;
  /** Drains and closes everything, in the order that loses nothing. */
  close(): Promise<void>;
}

interface Part {
  begin(): Promise<void>;
  /** `patience`: ms that are left for what is under way. */
  close(patience: number): Promise<void>;
}

/** What all parts together may take to drain, in ms: the process must have ended 10 s after SIGTERM. */
const DRAIN_TIMEOUT = 8000;
const LEAST_PATIENCE = 500;

/**
 * Starts the roles of one process on one bus: both for `start`, one each for `gateway` and `dispatcher`. What was
 * started is closed again when a later part cannot start (a port in use, say); the error is then thrown.
 */
export async function runBridge(role: Role, config: Config, log: Logger): Promise<RunningBridge> {
  const modules = role === "gateway" ? [] : await loadConsumers(config);
  const metrics = createMetrics();
  const store = role === "dispatcher" || !config.dataDir ? undefined : openStore(config.dataDir, storeSchema, log);
  const bus = await createBus(role, config, store, log);
  const apis = createWechatApis(config, log);
  const parts = { config, bus, apis, log, metrics };
  let internalPort = 0;
  const internal = createInternalServer({
    host: config.internalListenHost,
    port: config.internalListenPort ?? internalPorts[role === "dispatcher" ? "dispatcher" : "gateway"],
    isDefaultPort: config.internalListenPort === undefined,
    log,
    metrics,
    isReady: () => bus.ready,
    amqpPrefix: config.amqpPrefix,
  });
  const gateway = role === "dispatcher" ? undefined : createGateway({ ...parts, store, internal: internal.app });
  const dispatcher = role === "gateway" ? undefined : createDispatcher(parts);

  const started: Part[] = [{ begin: async () => {}, close: () => closeAll(bus, apis, store) }];
  const close = async (): Promise<void> => {
    const end = performance.now() + DRAIN_TIMEOUT;
    for (const part of started.toReversed()) await part.close(Math.max(end - performance.now(), LEAST_PATIENCE));
  };
  const begin = async (part: Part): Promise<void> => {
    started.push(part);
    await part.begin();
  };
  try {
    await begin({
      begin: async () => void (internalPort = await internal.listen()),
      close: (patience) => internal.close(patience),
    });
    // Before the gateway takes pushes, and until it has answered the last one.
    if (modules.length > 0) await begin(createConsumers(modules, parts));
    const roles: Part[] = [];
    if (dispatcher) roles.push({ begin: () => dispatcher.start(), close: (patience) => dispatcher.close(patience) });
    if (gateway) roles.push({ begin: () => gateway.listen(), close: () => gateway.close() });
    await Promise.all(roles.map(begin));
    if (bus instanceof MemoryBus) bus.returnRetries();
  } catch (error) {
    await close();
    throw error;
  }
  return { port: gateway?.port, internalPort, close };
}

/** The store last: what closes before may still write to it. */
async function closeAll(bus: Bus, apis: WechatApis, store: Store | undefined): Promise<void> {
  await Promise.all([bus.close(), apis.close()]);
  store?.close();
}

async function createBus(role: Role, config: Config, store: Store | undefined, log: Logger): Promise<Bus> {
  if (config.amqp !== undefined) return createAmqpBus(config.amqp, `wx-bridge ${role}`, log);
  if (store) usePrefix(store.database, config.amqpPrefix);
  return new MemoryBus({ journal: store && createJournal(store) });
}
