import { Check } from "typebox/schema";
import { createNames, type Names } from "../bus/names.ts";
import { mergeTopologies, quorum, type Topology } from "../bus/topology.ts";
import { retryDelayOf } from "../config/duration.ts";
import { deliverySettings, retryLadder } from "../config/schema-delivery.ts";
import { Failure } from "../failure.ts";
import { createBridgeLadder, createOwnLadder, type Ladder } from "./ladder.ts";

/** What one queue of events is like, and how it is worked on. */
export interface QueueOptions {
  /** Name of the durable quorum queue. Processes that name the same one share its events. */
  queue: string;
  /** Pushes as they came, or with the dispatcher's `userInfo` (accounts with `fan-out`). Default "events". */
  exchange?: "events" | "enriched" | undefined;
  /** Events of this account alone. Default: of all. */
  service?: string | undefined;
  /** Routing-key patterns to bind the queue with. Default: those of the handlers. Bindings of old are not taken away. */
  bind?: readonly string[] | undefined;
  /** Handlers at work at a time. Default: as many as `prefetch`. */
  concurrency?: number | undefined;
  /**
   * Deliveries open at a time, 1 to 65535. Default: as many as `concurrency`, or 256. Those beyond it wait in this process,
   * each time counted as delivered by the broker.
   */
  prefetch?: number | undefined;
  /** Waits before another try when a handler has thrown, such as "10s"; [] gives up at once. Default: the dispatcher's. */
  retry?: readonly string[] | undefined;
  /**
   * Where failed deliveries go: "bridge" is `wx.retry.<delay>` and `wx.dead`, "own" is `<queue>.retry.<delay>` and
   * `<queue>.dead`, for a user without permission to write anywhere else. Default "bridge".
   */
  failures?: "bridge" | "own" | undefined;
}

/** The options, checked and filled in. */
export interface QueuePlan {
  queue: string;
  prefetch: number;
  concurrency: number;
  ladder: Ladder;
  topology: Topology;
  names: Names;
}

const optionNames: readonly string[] = [
  "queue",
  "exchange",
  "service",
  "bind",
  "concurrency",
  "prefetch",
  "retry",
  "failures",
] satisfies (keyof QueueOptions)[];
const PREFETCH = 256;
const MAX_PREFETCH = 65_535;
const MAX_NAME_BYTES = 255;

/** Throws a `CONFIG_INVALID` that names every fault; `others` are names of options that whoever calls knows beside these. */
export function planQueue(
  options: QueueOptions,
  patterns: readonly string[],
  prefix: string,
  others: readonly string[] = [],
): QueuePlan {
  const { queue, exchange = "events", service, bind = patterns, retry = retryLadder, failures = "bridge" } = options;
  const { prefetch = Math.min(options.concurrency ?? PREFETCH, MAX_PREFETCH), concurrency = prefetch } = options;
  const unknown = Object.keys(options).filter((name) => !optionNames.includes(name));
  const faults = [
    unknown.length > 0 &&
      `there is no option ${unknown.join(", ")}; there are ${[...others, ...optionNames].join(", ")}`,
    queueFault(queue, prefix),
    bind.length === 0 && "there is no handler and nothing to bind to: call on() first",
    !(Check(deliverySettings.reply, bind) && bind.every(canMatch)) &&
      'every pattern must be one such as "msg.*" or "event.CLICK"',
    !["events", "enriched"].includes(exchange) && 'exchange must be "events" or "enriched"',
    !["bridge", "own"].includes(failures) && 'failures must be "bridge" or "own"',
    !isCount(prefetch, MAX_PREFETCH) && "prefetch must be a whole number from 1 to 65535",
    !isCount(concurrency, Number.MAX_SAFE_INTEGER) && "concurrency must be a whole number, 1 or more",
    !Check(deliverySettings.retry, retry) && 'retry must be a list of delays such as "10s" from 100ms to 7d',
  ].filter((fault) => fault !== false && fault !== undefined);
  if (faults.length > 0) throw new Failure("CONFIG_INVALID", `consumer ${queue}: ${faults.join("; ")}`);

  const names = createNames(prefix);
  const delays = retry.map(retryDelayOf);
  const ladder = failures === "own" ? createOwnLadder(queue, delays) : createBridgeLadder(names, queue, delays);
  const source = sourceOf(names, exchange, service);
  const bindings = bind.map((routingKey) => ({ source, destination: queue, to: "queue" as const, routingKey }));
  const topology = mergeTopologies({ queues: [quorum(queue, {})], bindings }, ladder.topology);
  const tooLong = [...topology.exchanges, ...topology.queues].find(({ name }) => isTooLong(name));
  if (tooLong) {
    throw new Failure(
      "CONFIG_INVALID",
      `consumer ${queue}: queue must be shorter, as ${tooLong.name} is over 255 bytes`,
    );
  }
  return { queue, prefetch, concurrency, ladder, topology, names };
}

function queueFault(queue: unknown, prefix: string): string | undefined {
  if (typeof queue !== "string" || queue === "" || isTooLong(queue)) {
    return "queue must be a name of 1 to 255 bytes";
  }
  if (queue.startsWith("amq.")) return 'queue may not begin with "amq.", which RabbitMQ keeps for itself';
  if (queue.startsWith(`${prefix}.`)) return `queue may not begin with "${prefix}.": those are wx-bridge's own`;
  return undefined;
}

function isTooLong(name: string): boolean {
  return Buffer.byteLength(name) > MAX_NAME_BYTES;
}

/** Routing keys are two words: nothing ever comes for a slip such as "text" in place of "msg.text". */
function canMatch(pattern: string): boolean {
  const words = pattern.split(".");
  const named = words.filter((word) => word !== "#").length;
  return named === 2 || (named < 2 && words.includes("#"));
}

function isCount(value: unknown, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
}

function sourceOf(names: Names, exchange: "events" | "enriched", service: string | undefined): string {
  if (exchange === "enriched") return service === undefined ? names.enriched : names.enrichedOf(service);
  return service === undefined ? names.events : names.eventsOf(service);
}
