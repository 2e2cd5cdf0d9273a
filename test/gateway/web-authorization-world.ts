import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createArrivals } from "../support/arrivals.ts";
import { recordRequest, type RecordedRequest } from "../support/http-answer.ts";
import { createLoopbackServer, type Closing } from "../support/loopback-server.ts";
import { createWechatApi, type WechatApi } from "../support/wechat-api-server.ts";
import { startBridge, type StartedBridge } from "./endpoints/start-bridge.ts";

export interface World extends StartedBridge {
  api: WechatApi;
  /** What the backend has got. */
  requests: readonly RecordedRequest[];
  /** Base of the redirect path. */
  page: string;
}

/** A whole bridge with WeChat's API and a backend whose answers the test writes. */
export async function createWorld(
  t: Closing,
  answer: RequestListener,
  settings: Record<string, unknown> = {},
): Promise<World> {
  const api = await createWechatApi(t);
  const arrivals = createArrivals<RecordedRequest>("requests");
  const backend = await createLoopbackServer(t, (request, response) => {
    void recordRequest(request).then((recorded) => {
      arrivals.add(recorded);
      return answer(request, response);
    });
  });
  const started = await startBridge(t, {
    apiBase: api.url,
    service: {
      "listen-endpoints": { "service-path": "/wx", "redirect-path": "/redir" },
      "redirect-url": `${backend.url}/menu?own=1&x=%20`,
      "redirect-userinfo-flag": "login",
      ...settings,
    },
  });
  return { ...started, api, requests: arrivals.all, page: `${started.url}/redir` };
}

/** A request as a browser sends it, on a connection of its own. The answer's body is still to be read. */
export async function browse(
  url: string,
  headers: string[] | Record<string, string> = {},
  method = "GET",
): Promise<IncomingMessage> {
  const outgoing = httpRequest(url, { agent: false, method, headers, maxHeaderSize: 64 * 1024 }).end();
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  return answer;
}

export async function textOf(answer: IncomingMessage): Promise<string> {
  return (await buffer(answer)).toString();
}

/** Sends `parts` times 1 KB, one each `ms`. */
export async function streamSlowly(response: ServerResponse, parts: number, ms: number): Promise<void> {
  for (let n = 0; n < parts && !response.destroyed; n++) {
    response.write(Buffer.alloc(1024));
    await sleep(ms);
  }
  response.end();
}

/** The outcomes in a bridge's log, in order. */
export function outcomes(lines: readonly string[]): unknown[] {
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).flatMap(({ outcome }) => outcome ?? []);
}
