import { request as requestHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { request as requestHttps } from "node:https";
import { pipeline } from "node:stream/promises";
import { lookupTogether } from "../shared/lookup-together.ts";
import { headersForBrowser, type RawHeaders } from "./redirect-headers.ts";

/** Largest headers taken from a backend, in bytes: some set many cookies. */
const MAX_HEADERS = 64 * 1024;

/** Longest time in ms in which a browser takes nothing of what waits for it. Phones out of reach come back. */
const BROWSER_PATIENCE = 120_000;

const nothing = Buffer.alloc(0);

/** Lower ones are no answer yet: a browser, or a proxy before it, would take a 101 for the end of HTTP. */
const FINAL = 200;

export interface BackendCall {
  url: URL;
  headers: RawHeaders;
  body: Buffer;
  /** Milliseconds until the backend's headers must be there, and its longest silence after them while it is read. */
  timeout: number;
  /** Ends the call at any time. */
  signal: AbortSignal;
}

/** The backend's headers did not come in time. */
export class LateBackendError extends Error {}

/**
 * POSTs to a backend and resolves with its answer as soon as the headers are there, whatever the status; redirects are
 * the browser's to follow. Each call has a connection of its own: one that the backend is about to close could not be
 * told from a good one, and a POST may not be sent twice. Rejects with `LateBackendError`, or as Node's `request` does.
 */
export function callBackend({ url, headers, body, timeout, signal }: BackendCall): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const connection = { agent: false, lookup: lookupTogether } as const;
  const outgoing = request(url, { ...connection, method: "POST", headers, signal, maxHeaderSize: MAX_HEADERS });
  const timer = setTimeout(() => outgoing.destroy(new LateBackendError()), timeout);
  outgoing.once("close", () => {
    clearTimeout(timer);
    reject(new Error("closed without an answer")); // Node tells nothing else of a 101 that it was not asked for
  });
  outgoing.on("error", reject);
  outgoing.once("response", (answer) => {
    clearTimeout(timer);
    answer.setTimeout(timeout, () => {
      if (answer.isPaused()) answer.socket.setTimeout(timeout); // the browser is what is slow
      else answer.destroy(new LateBackendError());
    });
    if ((answer.statusCode ?? 0) >= FINAL) resolve(answer);
    else outgoing.destroy();
  });
  outgoing.end(body);
  return promise;
}

/** How the passing of an answer ended; `error` is what the backend broke off with. */
export interface Passage {
  outcome: "passed on" | "browser left" | "redirect-url broke off";
  error?: unknown;
}

/**
 * Passes a backend's answer on as it comes: status, headers and body, at the browser's pace. When either side breaks
 * off, the other's connection is cut, too, so that nobody takes half a body for a whole one; a browser that takes nothing
 * for `patience` ms has left. Never rejects.
 */
export async function passBack(
  answer: IncomingMessage,
  response: ServerResponse,
  patience = BROWSER_PATIENCE,
): Promise<Passage> {
  let broken: unknown;
  response.setTimeout(patience, () => void (response.writableNeedDrain && response.destroy()));
  answer.once("error", (error) => {
    if (!response.destroyed) broken = error;
  });
  try {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? "", headersForBrowser(answer));
    response.write(nothing); // flushHeaders() would write them in UTF-8, and each of their bytes beyond ASCII as two
    await pipeline(answer, response);
    return { outcome: "passed on" };
  } catch (error) {
    if (!response.destroyed) broken = error;
    answer.destroy();
    response.destroy();
    return broken === undefined ? { outcome: "browser left" } : { outcome: "redirect-url broke off", error: broken };
  }
}
