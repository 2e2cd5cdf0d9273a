import type { IncomingMessage, ServerResponse } from "node:http";
import { createArrivals, type Arrivals } from "./arrivals.ts";
import { recordRequest, sendAnswer, sendFault, type GivenAnswer, type RecordedRequest } from "./http-answer.ts";
import { createLoopbackServer, type Closing, type LoopbackServer } from "./loopback-server.ts";
import { createRoutes, type PlatformOptions, type Route } from "./wechat-api-routes.ts";
import { createAccessTokens, type WechatError } from "./wechat-api-tokens.ts";

/** The accounts and users of the platform, and how long its tokens live: `expiresIn` seconds, default 7200. */
export interface WechatApiOptions extends PlatformOptions {
  expiresIn?: number;
}

/** How a call fails: with WeChat's error in a 200, with an HTTP status and no body, with RST, or never answered. */
export type WechatApiFault = WechatError | { status: number } | "reset" | "hang";

/** A call as the platform got it: `body` is its text, `json` the parsed body. */
export type WechatApiCall = RecordedRequest;

/** api.weixin.qq.com on loopback. */
export interface WechatApi extends LoopbackServer {
  /** Every call so far, failed ones too, in order of arrival. */
  readonly calls: readonly WechatApiCall[];
  count(path: string): number;
  /** The next calls of this path not handed out yet, arrived or not; rejects after `timeoutMs` (default 10 000). */
  next(path: string, count?: number, timeoutMs?: number): Promise<WechatApiCall[]>;
  /** Delays every answer of this path, failures too; 0 ends it. */
  latency(path: string, ms: number): void;
  /** Fails the next `times` calls of this path (default: all from now on; 0 ends it). A call that fails has no effect. */
  fail(path: string, fault: WechatApiFault, times?: number): void;
  /** Makes every access token handed out so far invalid (40001). */
  invalidateToken(): void;
}

/** Starts the platform on a free loopback port. Where it checks and what it answers: the platform's documents. */
export async function createWechatApi(t: Closing, options: WechatApiOptions = {}): Promise<WechatApi> {
  const tokens = createAccessTokens(options.expiresIn ?? 7200);
  const routes = createRoutes(tokens, options);
  const calls: WechatApiCall[] = [];
  const arrivals = new Map<string, Arrivals<WechatApiCall>>();
  const latencies = new Map<string, number>();
  const faults = createFaults();
  const arrivalsOf = (path: string) => getOrCreate(arrivals, path, () => createArrivals(`calls of ${path}`));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await recordRequest(request);
    calls.push(call);
    arrivalsOf(call.path).add(call);
    const fault = faults.take(call.path);
    const answer = fault === undefined ? answerCall(routes, call) : faultAnswer(fault);
    const delayMs = latencies.get(call.path) ?? 0;
    if (typeof answer === "string") await sendFault(response, answer, delayMs);
    else await sendAnswer(response, { headers: headersOf(call.path), ...answer, delayMs });
  }

  const server = await createLoopbackServer(t, (request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  return {
    port: server.port,
    url: server.url,
    get connections() {
      return server.connections;
    },
    start: () => server.start(),
    stop: () => server.stop(),
    calls,
    count: (path) => arrivals.get(path)?.all.length ?? 0,
    next: (path, count, timeoutMs) => arrivalsOf(path).next(count, timeoutMs),
    latency: (path, ms) => void latencies.set(path, ms),
    fail: (path, fault, times) => faults.set(path, fault, times),
    invalidateToken: () => tokens.invalidate(),
  };
}

function createFaults() {
  const faults = new Map<string, { fault: WechatApiFault; left: number }>();
  return {
    set: (path: string, fault: WechatApiFault, times = Infinity) => void faults.set(path, { fault, left: times }),
    take(path: string): WechatApiFault | undefined {
      const found = faults.get(path);
      if (!found || found.left <= 0) return undefined;
      found.left -= 1;
      return found.fault;
    },
  };
}

function answerCall(routes: ReadonlyMap<string, Route>, call: WechatApiCall): GivenAnswer {
  const route = routes.get(`${call.method} ${call.path}`);
  if (route) return { body: route(call) };
  if (routes.has(`POST ${call.path}`)) return { body: { errcode: 43002, errmsg: "require POST method" } };
  if (routes.has(`GET ${call.path}`)) return { body: { errcode: 43001, errmsg: "require GET method" } };
  return { status: 404 };
}

function faultAnswer(fault: WechatApiFault): GivenAnswer | "reset" | "hang" {
  return typeof fault === "string" || "status" in fault ? fault : { body: fault };
}

/** The real ones: no charset for cgi-bin, and text/plain for JSON under /sns. */
function headersOf(path: string): Record<string, string> {
  return { "content-type": path.startsWith("/sns/") ? "text/plain" : "application/json; encoding=utf-8" };
}

function getOrCreate<V>(map: Map<string, V>, key: string, create: () => V): V {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}
