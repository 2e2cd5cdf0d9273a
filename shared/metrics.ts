import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { createCounter, createHistogram } from "./batched-metrics.ts";
import { knownKey } from "./wechat/kinds/kinds.ts";

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 4.5, 5, 10, 30];

/**
 * Every figure the bridge counts. Names are contract. Labels are the service, the routing key where it is a known one
 * (else `other`) and the outcome: never anything a user can choose, so that their number stays bounded.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    createCounter({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: L[]) =>
    createHistogram({ name, help, labelNames, registers, buckets: seconds });
  /** `collect` sets the gauge whenever the metrics are asked for. */
  const gauge = <L extends string>(name: string, help: string, labelNames: L[], collect?: (self: Gauge<L>) => void) => {
    const self: Gauge<L> = new Gauge({ name, help, labelNames, registers, collect: () => collect?.(self) });
    return self;
  };
  collectDefaultMetrics({ register: registry });
  const inFlight = { count: 0 };
  const breakers = new Map<string, { readonly isOpen: boolean }>();
  gauge("wx_in_flight", "Pushes waiting for their answer", [], (self) => self.set(inFlight.count));
  gauge("wx_breaker_open", "1 while a backend is left alone after failures in a row", ["service"], (self) => {
    for (const [service, { isOpen }] of breakers) self.set({ service }, isOpen ? 1 : 0);
  });

  return {
    registry,
    pushes: counter("wx_pushes_total", "Pushes by what they were answered with", ["service", "key", "outcome"]),
    pushSeconds: histogram("wx_push_seconds", "From a push's arrival to its answer", ["service"]),
    refused: counter("wx_refused_total", "Requests to a service path that were refused", ["service", "code"]),
    replies: counter("wx_replies_total", "Replies by what became of them", ["service", "outcome"]),
    deliveries: counter("wx_deliveries_total", "Deliveries by how they ended", ["service", "key", "outcome"]),
    deliverySeconds: histogram("wx_delivery_seconds", "From a delivery's receipt to its end", ["service"]),
    retries: counter("wx_retries_total", "Copies put into a retry queue", ["service", "delay"]),
    dead: counter("wx_dead_total", "Copies put into the dead-letter queue", ["service", "reason"]),
    consumerDeliveries: counter("wx_consumer_deliveries_total", "Deliveries to consumers in this process", [
      "consumer",
      "key",
      "outcome",
    ]),
    lateReplies: counter("wx_late_replies_total", "Late replies by what became of them", ["service", "outcome"]),
    userInfoErrors: counter("wx_user_info_errors_total", "Events that went on without userInfo", ["service"]),
    /** Looks at the breaker of a service's backend whenever the metrics are asked for. */
    watchBreaker: (service: string, breaker: { readonly isOpen: boolean }) => void breakers.set(service, breaker),
    forgotten: counter("wx_forgotten_total", "Identities that had to be forgotten for newer ones", []),
    spool: counter("wx_spool_total", "Pushes that went to disk, left it, or found no room", ["service", "outcome"]),
    spoolMessages: gauge("wx_spool_messages", "Pushes on disk, waiting for the broker", []),
    /** Pushes waiting for their answer. */
    inFlight,
    deadDepth: gauge("wx_dead_messages", "Messages in the dead-letter queue", []),
    busReady: gauge("wx_bus_ready", "1 while messages can be published and consumed", []),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** The label for a routing key: itself when WeChat's documents know it, else `other`. */
export function keyLabel(routingKey: string): string {
  return knownKey(routingKey) ? routingKey : "other";
}
