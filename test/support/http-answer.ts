import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

/** A request as it came, whole; `json` is its parsed body or undefined, `at` its arrival in epoch milliseconds. */
export interface RecordedRequest {
  method: string;
  /** The path alone; the query stands in `query`. */
  path: string;
  query: Readonly<Record<string, string>>;
  headers: IncomingHttpHeaders;
  /** Names and values in turn, in the sender's own case and order. */
  rawHeaders: readonly string[];
  body: string;
  json: unknown;
  at: number;
}

/** An answer of a server under the test's control. A body that is no string is sent as JSON. */
export interface GivenAnswer {
  status?: number;
  headers?: OutgoingHttpHeaders;
  body?: unknown;
  delayMs?: number;
}

/** What a broken server does: RST, silence for ever, or half of a body and then the end of the connection. */
export type Fault = "reset" | "hang" | "truncate";

/** Reads a request to its end. Rejects when the sender goes away before. */
export async function recordRequest(request: IncomingMessage): Promise<RecordedRequest> {
  const at = Date.now();
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const body = (await buffer(request)).toString();
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body,
    json: parseJson(body),
    at,
  };
}

/** Sends the answer, after its delay; a sender that went away meanwhile gets none. */
export async function sendAnswer(response: ServerResponse, answer: GivenAnswer): Promise<void> {
  if (answer.delayMs) await waitOpen(response, answer.delayMs);
  if (response.destroyed) return;
  const text = bodyText(answer.body);
  const type = { "content-type": "application/json; charset=UTF-8" };
  response.writeHead(answer.status ?? 200, { ...type, ...answer.headers });
  response.end(text);
}

/** Fails the exchange for real, on the connection that it came by, after a delay if one is given. */
export async function sendFault(response: ServerResponse, fault: Fault, delayMs = 0): Promise<void> {
  if (delayMs > 0) await waitOpen(response, delayMs);
  const socket = response.socket;
  if (!socket || fault === "hang") return;
  if (fault === "reset") {
    socket.resetAndDestroy();
    return;
  }
  response.writeHead(200, { "content-type": "application/json; charset=UTF-8", "content-length": "64" });
  response.write('{"type":"text","msg":"cut', () => socket.destroy());
}

async function waitOpen(response: ServerResponse, delayMs: number): Promise<void> {
  const gone = new AbortController();
  const abort = () => gone.abort();
  response.once("close", abort);
  await sleep(delayMs, undefined, { signal: gone.signal }).catch(() => undefined);
  response.off("close", abort);
}

function bodyText(body: unknown): string {
  return typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
