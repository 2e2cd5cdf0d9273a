import { setImmediate as nextTurn } from "node:timers/promises";
import { pino } from "pino";
import { createDispatcher } from "../../dispatcher/dispatcher.ts";
import { createWechatApis } from "../../shared/api/wechat-apis.ts";
import type { Delivery, Properties } from "../../shared/bus/bus.ts";
import { MemoryBus, type MemoryLimits } from "../../shared/bus/memory-bus.ts";
import { createNames } from "../../shared/bus/names.ts";
import { bridgeTopology, replyTopology } from "../../shared/bus/bridge-topology.ts";
import { createMetrics } from "../../shared/metrics.ts";
import { createArrivals } from "../support/arrivals.ts";
import { createBackend, type BackendHandler } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { configOf, file } from "../shared/config/sample-config.ts";

export interface DispatchingOptions {
  handler?: BackendHandler;
  /** Of the one account, `shop`; it forwards to the backend unless said otherwise. */
  settings?: Record<string, unknown>;
  top?: Record<string, unknown>;
  /** Of the bus. */
  limits?: MemoryLimits;
}

export const event = `{"ToUserName":"gh_1","FromUserName":"oUSER","CreateTime":1,"MsgType":"text","Content":"hi"}`;
export const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** A dispatcher for one account on the in-process bus, with a real backend, and a look into its queues. */
export async function createDispatching(
  t: Closing,
  { handler, settings = {}, top = {}, limits }: DispatchingOptions = {},
) {
  const backend = await createBackend(t, handler);
  const service = { "msg-proxy-pass": backend.url, "dont-append-userinfo": true, ...settings };
  const config = await configOf(file(service, top));
  const names = createNames(config.amqpPrefix);
  const bus = new MemoryBus(limits && { limits });
  await bus.declare(bridgeTopology(config));
  await bus.declare(replyTopology(names, "i"));
  const lines: string[] = [];
  const log = pino({ base: null, level: "debug" }, { write: (line: string) => void lines.push(line) });
  const metrics = createMetrics();
  const apis = createWechatApis(config, log);
  const dispatcher = createDispatcher({ config, bus, apis, log, metrics });
  await dispatcher.start();
  t.after(async () => {
    await dispatcher.close();
    await Promise.all([bus.close(), apis.close()]);
  });

  return {
    backend,
    bus,
    names,
    metrics,
    lines,
    dispatcher,
    /** Takes what comes to a queue from now on, so that it is not delivered again. */
    watch: (queue: string) => {
      const arrivals = createArrivals<Delivery>(`messages in ${queue}`);
      bus.consume(queue, { prefetch: 1000 }, (delivery) => {
        delivery.ack();
        arrivals.add(delivery);
      });
      return async () => (await arrivals.next())[0] as Delivery;
    },
    /** An event as the gateway publishes it; `headers` and `properties` replace single ones. */
    publish: async ({ headers = {}, properties = {}, body = event }: Published = {}) => {
      await bus.publish(
        {
          exchange: names.eventsOf("shop"),
          routingKey: "msg.text",
          body: Buffer.from(body),
          properties: {
            contentType: "application/json",
            messageId: "shop/oUSER/1",
            correlationId: "shop/oUSER/1",
            replyTo: names.repliesOf("i"),
            timestamp: 1,
            type: "msg.text",
            appId: "wx1",
            ...properties,
            headers: {
              "x-wx-contract": 1,
              "x-wx-service": "shop",
              "x-wx-deadline": Date.now() + 4500,
              "x-wx-budget": 4500,
              "x-wx-attempt": 1,
              traceparent,
              ...headers,
            },
          },
        },
        { timeout: 1000, mandatory: true },
      );
    },
    /** Resolves once the dispatcher has nothing left to do: `delivery` is logged after the ack. */
    settled: async (deliveries = 1) => {
      const isSettled = () => lines.filter((line) => line.includes(`"msg":"delivery"`)).length >= deliveries;
      await until(isSettled, `${deliveries} deliveries settled`);
    },
  };
}

interface Published {
  headers?: Record<string, unknown>;
  properties?: Properties;
  body?: string;
}

/** Resolves as soon as it holds; rejects after 5 s. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (const deadline = performance.now() + 5000; !holds(); await nextTurn()) {
    if (performance.now() > deadline) throw new Error(`not within 5 s: ${what}`);
  }
}
