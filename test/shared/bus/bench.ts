import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import type { Bus, Consumer, Delivery, OutgoingMessage, PublishOptions } from "../../../shared/bus/bus.ts";
import type { Arguments, BindingDeclaration, Topology } from "../../../shared/bus/topology.ts";
import { createArrivals, type Arrivals } from "../../support/arrivals.ts";
import { until } from "../../support/until.ts";

export type CreateBus = (t: TestContext) => Promise<Bus>;

export interface Consuming extends Consumer {
  deliveries: Arrivals<Delivery>;
  /** The bodies of the next deliveries, which it acks. */
  take(count?: number): Promise<string[]>;
}

/** A prefix of its own, so that tests never meet on a broker they share. */
export const uniquePrefix = (): string => `test.${randomUUID().slice(0, 13)}`;

/** Short ways to use a bus. */
export function createBench(bus: Bus, prefix = uniquePrefix()) {
  const name = (part: string): string => `${prefix}.${part}`;

  const declare = (topology: Partial<Topology>): Promise<void> =>
    bus.declare({ exchanges: [], queues: [], bindings: [], unbindings: [], ...topology }, { timeout: 10_000 });

  async function declareQueue(part = "q", args: Arguments = {}): Promise<string> {
    await declare({ queues: [classic(name(part), args)] });
    return name(part);
  }

  const publish = (message: Partial<OutgoingMessage>, options: Partial<PublishOptions> = {}) =>
    bus.publish(
      { exchange: "", routingKey: "", body: Buffer.from("x"), properties: {}, ...message },
      { timeout: 5000, ...options },
    );

  /** Each body to a queue, one after the other. */
  async function send(queue: string, ...bodies: string[]): Promise<void> {
    for (const body of bodies) await publish({ routingKey: queue, body: Buffer.from(body) });
  }

  function consume(queue: string, prefetch = 10): Consuming {
    const deliveries = createArrivals<Delivery>(`deliveries from ${queue}`);
    const consumer = bus.consume(queue, { prefetch }, (delivery) => deliveries.add(delivery));
    return {
      deliveries,
      async take(count = 1) {
        const taken = await deliveries.next(count);
        for (const delivery of taken) delivery.ack();
        return taken.map(({ body }) => body.toString());
      },
      cancel: () => consumer.cancel(),
      close: () => consumer.close(),
    };
  }

  return { bus, prefix, name, declare, declareQueue, publish, send, consume };
}

export type Bench = ReturnType<typeof createBench>;

export const classic = (name: string, args: Arguments = {}) => ({
  name,
  arguments: { "x-queue-type": "classic", ...args },
});

export const toQueue = (source: string, destination: string, routingKey = ""): BindingDeclaration => ({
  source,
  destination,
  to: "queue",
  routingKey,
});

export const toExchange = (source: string, destination: string, routingKey = ""): BindingDeclaration => ({
  source,
  destination,
  to: "exchange",
  routingKey,
});

/** For what has no event of its own. */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  await until(isSo, what, timeoutMs);
}

export const untilReady = (bus: Bus, timeoutMs?: number): Promise<void> =>
  eventually("the bus is ready", () => bus.ready, timeoutMs);
