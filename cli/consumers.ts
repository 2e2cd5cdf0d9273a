import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import type { Bus } from "../shared/bus/bus.ts";
import { declareAtStart } from "../shared/bus/declare-at-start.ts";
import { bridgeTopology } from "../shared/bus/bridge-topology.ts";
import { mergeTopologies } from "../shared/bus/topology.ts";
import { ConfigError } from "../shared/config/config-error.ts";
import type { Config } from "../shared/config/config.ts";
import { HandlerTable, type Handlers } from "../shared/consumer/handlers.ts";
import { planQueue, type QueueOptions, type QueuePlan } from "../shared/consumer/plan.ts";
import { createQueueConsumer, type QueueConsumerParts } from "../shared/consumer/queue-consumer.ts";
import type { Logger } from "../shared/log.ts";
import { keyLabel, type Metrics } from "../shared/metrics.ts";
import { reasonOf } from "../shared/reason-of.ts";

/** What a module named in `consumers` exports: its handlers' registration and, if it wants, its queue's options. */
interface ConsumerModule {
  default?: (consumer: Handlers) => unknown;
  setup?: (consumer: Handlers) => unknown;
  options?: Partial<QueueOptions>;
}

/** A module's handlers and the queue they work on. */
export interface LoadedConsumer {
  plan: QueuePlan;
  handlers: HandlerTable;
}

/** Loads the modules that the config names. Throws a `ConfigError` with the fault of each one that cannot be used. */
export async function loadConsumers({ consumers, amqpPrefix }: Config): Promise<LoadedConsumer[]> {
  const loaded = new Map<string, LoadedConsumer>();
  const faults: string[] = [];
  for (const [index, file] of consumers.entries()) {
    try {
      const consumer = await loadConsumer(file, amqpPrefix);
      const { queue } = consumer.plan;
      if (loaded.has(queue))
        throw new Error(`another consumer has the queue ${queue}; export options with another one`);
      loaded.set(queue, consumer);
    } catch (error) {
      faults.push(`consumers[${index}]: ${file} cannot be used: ${reasonOf(error)}`);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return [...loaded.values()];
}

async function loadConsumer(file: string, prefix: string): Promise<LoadedConsumer> {
  const module = (await import(pathToFileURL(file).href)) as ConsumerModule;
  const setup = module.default ?? module.setup;
  if (typeof setup !== "function") throw new Error("it exports neither a default function nor setup(consumer)");
  const handlers = new HandlerTable();
  await setup(handlers);
  const queue = basename(file, extname(file));
  return { plan: planQueue({ queue, ...module.options }, handlers.patterns, prefix), handlers };
}

export interface ConsumersParts {
  config: Config;
  bus: Bus;
  log: Logger;
  metrics: Metrics;
}

/** The consumers of this process, from their queues' declaration to the end of what they have under way. */
export function createConsumers(loaded: readonly LoadedConsumer[], { config, bus, log, metrics }: ConsumersParts) {
  const consumers = loaded.map(({ plan, handlers }) => {
    const onEnded: QueueConsumerParts["onEnded"] = ({ service, routingKey }, { outcome, delay }) => {
      metrics.consumerDeliveries.inc({ consumer: plan.queue, key: keyLabel(routingKey), outcome });
      if (delay !== undefined) metrics.retries.inc({ service: serviceLabel(config, service), delay });
      else if (isDead(outcome)) metrics.dead.inc({ service: serviceLabel(config, service), reason: outcome });
    };
    return createQueueConsumer({ plan, handlers, bus, log: log.child({ consumer: plan.queue }), onEnded });
  });

  return {
    async begin(): Promise<void> {
      const topology = mergeTopologies(bridgeTopology(config), ...loaded.map(({ plan }) => plan.topology));
      await declareAtStart(bus, topology, log, "consumers wait for the broker");
      for (const consumer of consumers) consumer.consume();
    },
    async close(patience: number): Promise<void> {
      await Promise.all(consumers.map((consumer) => consumer.close(patience)));
    },
  };
}

function serviceLabel({ accounts }: Config, service: string): string {
  return accounts.some(({ name }) => name === service) ? service : "other";
}

function isDead(outcome: string): boolean {
  return outcome === "exhausted" || outcome === "poison";
}
