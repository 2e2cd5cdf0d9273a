import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { connect } from "amqplib";
import { type Role, type RunningBridge, runBridge } from "../../cli/run.ts";
import { readConfig } from "../../shared/config/load.ts";
import type { Config } from "../../shared/config/config.ts";
import { onLoopback } from "../support/on-loopback.ts";
import { createTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { createWechat, type Wechat } from "../support/wechat-server.ts";
import type { Closing } from "../support/loopback-server.ts";

/** Where the bridge runs: all in one on the in-process bus, or gateway and dispatcher apart on RabbitMQ. */
export type BusKind = "in-process" | "rabbitmq";
export const busKinds: readonly BusKind[] = ["in-process", "rabbitmq"];

/** An entry of `services`; the wx-params and the service path are filled in. */
export type ServiceSettings = Record<string, unknown> & { name: string; sealed?: boolean };

export interface SystemOptions {
  bus: BusKind;
  services: ServiceSettings[];
  /** Top-level settings beside `services`. */
  settings?: Record<string, unknown>;
  /** Which processes run on RabbitMQ; both when absent. */
  roles?: readonly Role[];
}

export interface LogLine {
  msg: string;
  level: number;
  identity?: string;
  [name: string]: unknown;
}

/** A whole bridge with real ports, as its users meet it. */
export interface System {
  config: Config;
  /** Every name on the broker begins with it. */
  prefix: string;
  gateway: RunningBridge;
  log: LogLine[];
  /** WeChat, pushing to one service in the mode it was set up for. */
  wechat(service: string): Wechat;
  /** Text of `/metrics` of a role's internal listener. */
  metrics(role?: "gateway" | "dispatcher"): Promise<string>;
  url: string;
}

const wxParams = {
  token: "AAAAA",
  "app-id": "wxba5fad812f8e6fb9",
  "app-secret": "0123456789abcdef0123456789abcdef",
};
const aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/** Starts a bridge with a prefix of its own and closes it, and what it declared, at the test's end. */
export async function createSystem(t: Closing, options: SystemOptions): Promise<System> {
  const prefix = `t${randomBytes(6).toString("hex")}`;
  const { config } = await readConfig(settingsOf(options, prefix), {});
  const lines: LogLine[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) });
  const roles: readonly Role[] =
    options.bus === "in-process" ? ["start"] : (options.roles ?? ["dispatcher", "gateway"]);
  const running = new Map<Role, RunningBridge>();
  t.after(async () => {
    for (const bridge of [...running.values()].toReversed()) await bridge.close();
    if (options.bus === "rabbitmq") await deleteAll(config);
  });
  for (const role of roles) running.set(role, await runBridge(role, config, log));

  const gateway = [...running.values()].find(({ port }) => port !== undefined);
  if (gateway === undefined) throw new Error("a system needs a gateway to push to");
  const url = `http://127.0.0.1:${gateway.port}`;
  return {
    config,
    prefix,
    gateway,
    log: lines,
    url,
    wechat: (service) => wechatOf(url, service, options.services),
    async metrics(role = "gateway") {
      const bridge = running.get(role) ?? gateway;
      return (await fetch(`http://127.0.0.1:${bridge.internalPort}/metrics`)).text();
    },
  };
}

function wechatOf(url: string, service: string, services: ServiceSettings[]): Wechat {
  const sealed = services.find(({ name }) => name === service)?.sealed ?? true;
  const { token, "app-id": appId } = wxParams;
  return createWechat({ url: `${url}/${service}`, token, appId, ...(sealed ? { aesKey } : {}) });
}

function settingsOf({ bus, services, settings }: SystemOptions, prefix: string): object {
  return {
    ...onLoopback,
    ...(bus === "rabbitmq" ? { amqp: { url: brokerUrl(), prefix } } : {}),
    ...settings,
    services: services.map(({ sealed = true, ...service }) => ({
      "wx-params": sealed ? { ...wxParams, "aes-key": aesKey } : wxParams,
      "listen-endpoints": { "service-path": `/${service.name}` },
      ...service,
    })),
  };
}

/** The broker that `npm test` has obtained. */
export function brokerUrl(): string {
  const url = process.env["AMQP_URL"];
  if (!url) throw new Error("AMQP_URL is not set: run the tests with `npm test`, which brings a broker");
  return url;
}

/** A way to that broker which can be cut. */
export async function createProxiedBroker(t: Closing): Promise<{ url: string; proxy: TcpProxy }> {
  const broker = new URL(brokerUrl());
  const proxy = await createTcpProxy(t, broker.hostname, Number(broker.port || 5672));
  broker.host = `127.0.0.1:${proxy.port}`;
  return { url: broker.href, proxy };
}

async function deleteAll(config: Config): Promise<void> {
  const { bridgeTopology } = await import("../../shared/bus/bridge-topology.ts");
  const { queues, exchanges } = bridgeTopology(config);
  const connection = await connect(brokerUrl());
  const channel = await connection.createChannel();
  for (const { name } of queues) await channel.deleteQueue(name);
  for (const { name } of exchanges) await channel.deleteExchange(name);
  await connection.close();
}
