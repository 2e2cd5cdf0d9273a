import { setTimeout as sleep } from "node:timers/promises";
import type { WechatApis } from "../shared/api/wechat-apis.ts";
import type { Bus, Consumer, Delivery } from "../shared/bus/bus.ts";
import { declareAtStart } from "../shared/bus/declare-at-start.ts";
import { memoryLimits } from "../shared/bus/memory-bus.ts";
import { createNames, dispatchQueueOf, isDispatched } from "../shared/bus/names.ts";
import { bridgeTopology } from "../shared/bus/bridge-topology.ts";
import { deadLimit } from "../shared/bus/topology.ts";
import type { Account, Config } from "../shared/config/config.ts";
import { deadReasons } from "../shared/headers.ts";
import type { Logger } from "../shared/log.ts";
import type { Metrics } from "../shared/metrics.ts";
import { PassingSet } from "../shared/passing-map.ts";
import { reasonOf } from "../shared/reason-of.ts";
import { createBackendClient, type BackendClient } from "./backend-client.ts";
import { createBreaker } from "./breaker.ts";
import { createDeliver, type DeliverParts } from "./deliver.ts";
import { echo } from "./echo.ts";
import { createEnrich } from "./enrich.ts";
import { createForward } from "./forward.ts";
import { createInsist } from "./insist.ts";
import { createIntake, createOrderedIntake, type Intake } from "./intake.ts";
import { createLanes } from "./lanes.ts";
import { createLateReplies } from "./late-replies.ts";
import { lookAfterLeftovers } from "./leftovers.ts";
import { createOutbox } from "./outbox.ts";
import { lateOutcomes } from "./send-late.ts";
import { createUserInfo } from "./user-info.ts";

export interface DispatcherParts {
  config: Config;
  bus: Bus;
  apis: WechatApis;
  log: Logger;
  metrics: Metrics;
}

export interface Dispatcher {
  start(): Promise<void>;
  /** Takes nothing new, gives deliveries under way `patience` ms (default 8 s), the rest back to their queues. */
  close(patience?: number): Promise<void>;
}

const DRAIN_TIMEOUT = 8000;
/** Late replies sent at a time. */
const LATE_REPLY_PREFETCH = 16;
const DEPTH_EVERY = 15_000;

/** AMQP in, HTTP out: consumes every account's events, adds userInfo, asks the backend and replies. */
export function createDispatcher({ config, bus, apis, log, metrics }: DispatcherParts): Dispatcher {
  const names = createNames(config.amqpPrefix);
  const mostDead = config.amqp ? deadLimit.length : memoryLimits.messages;
  const stopping = new AbortController();
  const outbox = createOutbox({ accounts: config.accounts, bus, names, log, signal: stopping.signal });
  const client = createBackendClient();
  const underWay = new PassingSet<Promise<void>>();
  const consumers: Consumer[] = [];
  let isClosing = false;
  let depthTimer: NodeJS.Timeout | undefined;
  for (const { name: service } of config.accounts) {
    for (const reason of deadReasons) metrics.dead.begin({ service, reason });
    for (const outcome of lateOutcomes) metrics.lateReplies.begin({ service, outcome });
  }

  function intakeOf(account: Account): Intake {
    const giveBackTo = (delivery: Delivery, error: unknown): void => giveBack(delivery, account, error);
    const parts = { account, bus, watch, giveBack: giveBackTo };
    const deliverParts = partsOf(account);
    if (account.ordering === "none") return createIntake({ ...parts, deliver: createDeliver(deliverParts) });
    const lanes = createLanes(account.concurrency);
    const insist = createInsist({ account, outbox, pause: (ms) => lanes.pause(ms), metrics });
    return createOrderedIntake({ ...parts, deliver: createDeliver({ ...deliverParts, insist }) }, lanes);
  }

  /** Whoever is active takes the late replies of all accounts, since they come from any gateway. */
  function consumeLateReplies(): Consumer {
    const { accounts } = config;
    const settle = createLateReplies({
      accounts,
      apis,
      postpone: (late, since) => outbox.postpone(late, since),
      log,
      metrics,
    });
    return bus.consume(names.lateReplies, { prefetch: LATE_REPLY_PREFETCH }, (delivery) => watch(settle(delivery)));
  }

  function watch(working: Promise<void>): void {
    underWay.add(working);
    void working.finally(() => underWay.delete(working));
  }

  function giveBack(delivery: Delivery, account: Account, error: unknown): void {
    const identity = delivery.properties.messageId;
    const line = { service: account.name, identity, reason: reasonOf(error) };
    if (!stopping.signal.aborted) log.error(line, "delivery cut short");
    delivery.requeue();
  }

  function partsOf(account: Account): DeliverParts {
    const accountLog = log.child({ service: account.name });
    const enrich = createEnrich(account, createUserInfo(apis.of(account), { log: accountLog }), metrics);
    return { account, outbox, enrich, respond: responderOf(account, client, metrics), log: accountLog, metrics };
  }

  async function watchDead(): Promise<void> {
    const messages = await bus.depth(names.dead).catch(() => undefined); // another time
    if (messages === undefined) return;
    metrics.deadDepth.set(messages);
    if (messages >= mostDead * deadLimit.warnAt)
      log.warn({ messages, limit: mostDead }, "the dead-letter queue fills up");
  }

  return {
    async start() {
      await declareAtStart(bus, bridgeTopology(config), log, "waiting for the broker");
      const { accounts } = config;
      const intakes = new Map(accounts.filter(isDispatched).map((account) => [account, intakeOf(account)]));
      for (const [account, intake] of intakes) consumers.push(intake(dispatchQueueOf(names, account)));
      consumers.push(consumeLateReplies());
      const take = (account: Account, queue: string): void => {
        const intake = intakes.get(account);
        if (intake !== undefined && !isClosing) consumers.push(intake(queue));
      };
      void lookAfterLeftovers({ accounts, bus, names, log, signal: stopping.signal, take });
      depthTimer = setInterval(() => void watchDead(), DEPTH_EVERY);
      depthTimer.unref();
    },
    async close(patience = DRAIN_TIMEOUT) {
      isClosing = true;
      clearInterval(depthTimer);
      await Promise.all(consumers.map((consumer) => consumer.cancel()));
      await Promise.race([Promise.all(underWay), sleep(patience, undefined, { ref: false })]);
      stopping.abort(new Error("shutting down"));
      await Promise.all(consumers.map((consumer) => consumer.close()));
      await client.close();
    },
  };
}

function responderOf(account: Account, client: BackendClient, metrics: Metrics): DeliverParts["respond"] {
  if (account.delivery === "amqp") return undefined;
  if (account.delivery === "echo") return echo;
  const breaker = createBreaker();
  metrics.watchBreaker(account.name, breaker);
  return createForward(account, client, breaker);
}
