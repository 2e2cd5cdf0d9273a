import { request } from "undici";
import { runBridge, type RunningBridge } from "../../../cli/run.ts";
import { readConfig } from "../../../shared/config/load.ts";
import { createKeptLog } from "../../shared/api/api-server.ts";
import type { Closing } from "../../support/loopback-server.ts";

type Settings = Record<string, unknown>;

export const secret = "0123456789abcdef0123456789abcdef";

/** Every common endpoint, at a path with its own name. */
export const allEndpoints = Object.fromEntries(
  [
    "health-check",
    "wx-qr",
    "wx-user",
    "sns-auth2",
    "short-url",
    "tmpl-msg",
    "sign-jsapi",
    "channels-ec-order-detail",
    "channels-ec-refund-detail",
  ].map((name) => [name, `/${name}`]),
);

export interface BridgeOptions {
  apiBase: string;
  /** Settings of the service `plain`. */
  service?: Settings;
  /** Settings of the store `ec` beside it. */
  store?: Settings;
  endpoints?: Record<string, string>;
  /** Whether the config sets the internal listener; default false. */
  internal?: boolean;
}

export interface StartedBridge {
  bridge: RunningBridge;
  /** Base URLs of the public and the internal listener. */
  url: string;
  internalUrl: string;
  logged: string[];
}

export function service(name: string, changes: Settings = {}): Settings {
  return {
    name,
    "wx-params": { token: `token-of-${name}`, "app-id": `wxapp_${name}`, "app-secret": secret },
    "listen-endpoints": { "service-path": `/wx-${name}` },
    ...changes,
  };
}

/** Starts a whole bridge on free ports, with the in-process bus, and closes it when the test ends. */
export async function startBridge(t: Closing, options: BridgeOptions): Promise<StartedBridge> {
  const { config } = await readConfig({
    "listen-host": "127.0.0.1",
    "listen-port": 0,
    "internal-listen-port": 0,
    "wx-api-base": options.apiBase,
    services: [service("plain", options.service), service("ec", { "is-channels-ec": true, ...options.store })],
    "common-endpoints": options.endpoints ?? allEndpoints,
  });
  const { log, lines } = createKeptLog();
  const bridge = await runBridge("start", { ...config, internalListenerSet: options.internal ?? false }, log);
  t.after(() => bridge.close());
  const [url, internalUrl] = [bridge.port, bridge.internalPort].map((port) => `http://127.0.0.1:${port}`);
  return { bridge, url: url ?? "", internalUrl: internalUrl ?? "", logged: lines };
}

export interface Answer {
  status: number;
  type: string | undefined;
  body: string;
}

export interface Call {
  method?: "GET" | "POST" | "PUT" | "HEAD" | "DELETE";
  body?: string;
  headers?: Record<string, string>;
}

/** Calls one endpoint; with a body it is a POST. */
export async function call(url: string, given: Call = {}): Promise<Answer> {
  const { statusCode, headers, body } = await request(url, {
    method: given.method ?? (given.body === undefined ? "GET" : "POST"),
    headers: { connection: "close", ...given.headers },
    ...(given.body !== undefined && { body: given.body }),
  });
  return { status: statusCode, type: headers["content-type"]?.toString(), body: await body.text() };
}

/** An answer of an endpoint, whole. */
export function answered(body: string, status = 200): Answer {
  return { status, type: "application/json;charset=UTF-8", body: `${body}\n` };
}
