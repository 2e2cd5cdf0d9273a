import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Bus, Consumer, Delivery } from "../shared/bus/bus.ts";
import { bridgeTopology, createNames, mergeTopologies, replyTopology, type Names } from "../shared/bus/topology.ts";
import type { Account, Config } from "../shared/config/config.ts";
import { header } from "../shared/envelope.ts";
import type { Logger } from "../shared/log.ts";
import type { Metrics } from "../shared/metrics.ts";
import { anyAddress, createAddressFilter } from "./address-filter.ts";
import { createExchange } from "./exchange.ts";
import { createHttpServer } from "./http-server.ts";
import { createOnce, type Once } from "./once.ts";
import { createPushOpener } from "./open-push.ts";
import { createPushHandler } from "./push-handler.ts";
import { addPushRoutes } from "./push-routes.ts";
import { createReplies, type Replies } from "./replies.ts";

export interface GatewayParts {
  config: Config;
  bus: Bus;
  log: Logger;
  metrics: Metrics;
}

export interface Gateway {
  /** Where pushes come in, once `listen` has resolved. */
  readonly port: number;
  listen(): Promise<void>;
  /** Stops accepting, answers what is in flight, and takes the reply queue away. */
  close(): Promise<void>;
}

/** How long start waits for the broker, in ms, before it serves without: topology is then declared when it comes. */
const DECLARE_TIMEOUT = 3000;
/** Replies taken off the queue at a time. */
const REPLY_PREFETCH = 1000;

/** HTTP in, AMQP out: verifies pushes, publishes them and answers with their replies. */
export function createGateway({ config, bus, log, metrics }: GatewayParts): Gateway {
  const names = createNames(config.amqpPrefix);
  const instance = randomBytes(16).toString("hex");
  const replyQueue = names.repliesOf(instance);
  const once = createOnce({ onForgotten: () => metrics.forgotten.inc() });
  const replies = createReplies((identity) => once.wasReplied(identity));
  const services = new Map(config.accounts.map((account) => [account.servicePath, account.name]));
  const app = createHttpServer((path) => services.get(path) ?? "other", log, metrics);
  for (const account of config.accounts) {
    addAccount(app, account, {
      bus,
      names,
      replies,
      replyQueue,
      once,
      log: log.child({ service: account.name }),
      metrics,
    });
  }
  const healthPath = config.commonEndpoints["health-check"];
  if (healthPath !== undefined) addHealthCheck(app, healthPath);
  let consumer: Consumer | undefined;

  return {
    get port() {
      return (app.server.address() as AddressInfo).port;
    },
    async listen() {
      await declare();
      consumer = bus.consume(replyQueue, { prefetch: REPLY_PREFETCH }, createReplyTaker(config, replies, log, metrics));
      await app.listen({ host: config.listenHost, port: config.listenPort });
    },
    async close() {
      await app.close();
      await consumer?.close();
      await bus.deleteQueue(replyQueue).catch(() => {}); // it expires by itself
    },
  };

  async function declare(): Promise<void> {
    const topology = mergeTopologies(bridgeTopology(config), replyTopology(names, instance));
    await bus.declare(topology, { timeout: DECLARE_TIMEOUT }).catch((error: unknown) => {
      log.error({ reason: (error as Error).message }, "serving before the topology is declared");
    });
  }
}

interface AccountParts extends Omit<GatewayParts, "config"> {
  names: Names;
  replies: Replies;
  replyQueue: string;
  once: Once;
}

function addAccount(app: FastifyInstance, account: Account, parts: AccountParts): void {
  const opener = createPushOpener(account);
  const exchange = createExchange({ account, ...parts });
  const addresses = Array.isArray(account.allowFrom) ? createAddressFilter(account.allowFrom) : anyAddress;
  addPushRoutes(app, account, opener, createPushHandler({ account, opener, exchange, ...parts }), addresses);
}

/** The seed's program answers its health check with these very bytes. */
function addHealthCheck(app: FastifyInstance, path: string): void {
  app.get(path, async (_request, reply) => reply.type("text/plain;charset=UTF-8").send("OK\n"));
}

/** Ends each reply's delivery: one that missed the answer goes on to `late-replies` where the account wants it. */
function createReplyTaker(
  config: Config,
  replies: Replies,
  log: Logger,
  metrics: Metrics,
): (delivery: Delivery) => void {
  const accounts = new Map(config.accounts.map((account) => [account.name, account]));
  return (delivery) => {
    const fate = replies.take(delivery);
    const service = delivery.properties.headers?.[header.service];
    const account = typeof service === "string" ? accounts.get(service) : undefined;
    metrics.replies.inc({ service: account?.name ?? "other", outcome: fate });
    if (fate !== "used") log.info({ identity: delivery.properties.correlationId, service, fate }, "reply not used");
    if (fate === "late" && account?.lateReply === "customer-service") delivery.reject();
    else delivery.ack();
  };
}
