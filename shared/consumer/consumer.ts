import { setTimeout as sleep } from "node:timers/promises";
import { Check } from "typebox/schema";
import { createAmqpBus } from "../bus/amqp-bus.ts";
import type { Bus } from "../bus/bus.ts";
import { defaultPrefix } from "../bus/names.ts";
import type { Topology } from "../bus/topology.ts";
import type { AmqpConfig } from "../config/config.ts";
import { describeFault } from "../config/describe-fault.ts";
import { amqpUrl } from "../config/schema-types.ts";
import { Failure, isFailure } from "../failure.ts";
import { createLogger, type Logger } from "../log.ts";
import { reasonOf } from "../reason-of.ts";
import { HandlerTable, type Handlers } from "./handlers.ts";
import { planQueue, type QueueOptions } from "./plan.ts";
import { createQueueConsumer, type QueueConsumer } from "./queue-consumer.ts";

export type { Reply } from "../reply.ts";
export type { EventKey } from "../wechat/kinds/kinds.ts";
export type { Context } from "./context.ts";
export type { Handler, Handlers, Said } from "./handlers.ts";
export type { QueueOptions } from "./plan.ts";
export type { PushOf } from "./push.ts";
export { Failure, type FailureCode } from "../failure.ts";

/** The broker and the queue of a consumer. */
export interface ConsumerOptions extends QueueOptions {
  /** The broker, such as `amqp://shop:secret@127.0.0.1:5672`. Either `url` or `urls`. */
  url?: string | undefined;
  /** The brokers of a cluster, tried in turn. */
  urls?: readonly string[] | undefined;
  /** For `amqps`, each in PEM form. */
  tls?: AmqpConfig["tls"];
  /** First part of the bridge's names, its `amqp.prefix`. Default "wx". */
  prefix?: string | undefined;
  /** A pino logger. Default: warnings and errors as JSON lines on stdout. */
  log?: Logger | undefined;
}

/** Takes the events of one queue from RabbitMQ and replies to them. */
export interface Consumer extends Handlers {
  /**
   * Declares the queue and its bindings, and resolves when events are taken; waits as long as it takes for the broker and
   * for the bridge's exchanges. Lost connections come back by themselves from then on. Throws `CONFIG_INVALID` when the
   * options are wrong or the broker refuses a declaration.
   */
  start(): Promise<void>;
  /** Takes nothing new, gives handlers under way `patience` ms (default 8 s), the rest back to the queue. */
  close(patience?: number): Promise<void>;
}

/** Options beside those of the queue. */
const otherNames = ["url", "urls", "tls", "prefix", "log"] satisfies Exclude<
  keyof ConsumerOptions,
  keyof QueueOptions
>[];
const urlSchema = amqpUrl({ description: "A broker's URL." });
const DECLARE_TIMEOUT = 5000;
const PAUSE = 1000;
const READY_EVERY = 20;

let commonLog: Logger | undefined;

/** One for all: each writer of lines has a buffer, a timer and listeners of its own, as long as the process lives. */
function logToStdout(): Logger {
  return (commonLog ??= createLogger("warn"));
}

/**
 * A consumer of WeChat's pushes: register handlers with `on`, then `start`. Every event is acked after its handler has
 * ended and its reply is confirmed; it may come twice, under the same `identity`.
 */
export function createConsumer(options: ConsumerOptions): Consumer {
  const { url, urls, tls, prefix = defaultPrefix, log = logToStdout(), ...queueOptions } = options;
  const handlers = new HandlerTable();
  let isStarted = false;
  let bus: Bus | undefined;
  let queueConsumer: QueueConsumer | undefined;
  const closing = new AbortController();

  async function begin(): Promise<void> {
    const plan = planQueue(queueOptions, handlers.patterns, prefix, otherNames);
    bus = await createAmqpBus(brokerOf({ url, urls, tls }), `wx-bridge consumer ${plan.queue}`, log);
    await declare(bus, plan.topology);
    throwIfClosed();
    queueConsumer = createQueueConsumer({ plan, handlers, bus, log: log.child({ queue: plan.queue }) });
    queueConsumer.consume();
    while (!bus.ready && !closing.signal.aborted) await sleep(READY_EVERY);
    throwIfClosed();
  }

  function throwIfClosed(): void {
    if (closing.signal.aborted) throw new Failure("NOT_HELD", "the consumer was closed before it could start");
  }

  /** Until everything is there; only what the broker forbids is no use waiting for. */
  async function declare(to: Bus, topology: Topology): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        return await to.declare(topology, { timeout: DECLARE_TIMEOUT });
      } catch (error) {
        if (!isFailure(error, "NOT_HELD") && !isMissing(error)) throw error;
        log.warn({ reason: reasonOf(error) }, "waiting for the broker and the bridge's exchanges");
        await sleep(PAUSE);
      }
    }
  }

  const consumer: Consumer = {
    on(pattern, handler) {
      if (isStarted) throw new Failure("CONFIG_INVALID", "on() is called before start()");
      handlers.on(pattern, handler);
      return consumer;
    },
    async start() {
      if (isStarted || closing.signal.aborted) throw new Failure("CONFIG_INVALID", "a consumer starts once");
      isStarted = true;
      try {
        await begin();
      } catch (error) {
        await consumer.close();
        throw error;
      }
    },
    async close(patience) {
      closing.abort();
      await queueConsumer?.close(patience);
      await bus?.close();
    },
  };
  return consumer;
}

function brokerOf({ url, urls: listed, tls }: Pick<ConsumerOptions, "url" | "urls" | "tls">): AmqpConfig {
  if (url !== undefined && listed !== undefined)
    throw new Failure("CONFIG_INVALID", "a consumer has either url or urls, not both");
  const urls = listed ?? (url === undefined ? [] : [url]);
  if (!Array.isArray(urls)) throw new Failure("CONFIG_INVALID", "a consumer's urls must be a list; use url for one");
  if (urls.length === 0) throw new Failure("CONFIG_INVALID", "a consumer needs the broker's url");
  if (!urls.every((each) => Check(urlSchema, each)))
    throw new Failure("CONFIG_INVALID", `a consumer's url ${describeFault(urlSchema)}`);
  return { urls: [...urls], tls };
}

/** The bridge declares its exchanges at its first start, which may be yet to come. */
function isMissing(error: unknown): boolean {
  if (!isFailure(error, "CONFIG_INVALID")) return false;
  return error.message.includes("NOT_FOUND") && !/ACCESS_REFUSED|PRECONDITION_FAILED/.test(error.message);
}
