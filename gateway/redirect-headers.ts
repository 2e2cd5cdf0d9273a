import type { IncomingMessage } from "node:http";
import { plainAddress } from "./address-filter.ts";

/** Headers that belong to one connection (RFC 9110, 7.6.1), not to what is passed on. */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Headers of the browser's request that are written anew. */
const rewritten = [
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "expect",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
];

/** Names and values in turn, as Node's `rawHeaders` has them and its `request` and `writeHead` take them. */
export type RawHeaders = string[];

/** What a browser's request was sent to, by the word of the proxies that we trust. */
export interface PublicAddress {
  protocol: string;
  host: string;
}

/**
 * The browser's headers, cookies and all, for the backend. `Host` stays what it was, as with go-wx-gateway, and the
 * address that the request came from goes to the end of `X-Forwarded-For`. `authorization` is the backend's own, for a
 * browser that sends none.
 */
export function headersForBackend(
  request: IncomingMessage,
  { protocol, host }: PublicAddress,
  body: Buffer,
  authorization: string | undefined,
): RawHeaders {
  const { host: ownHost = host, "x-forwarded-for": before = "" } = request.headers;
  const address = plainAddress(request.socket.remoteAddress ?? "");
  const own = {
    "Content-Type": "application/json",
    "Content-Length": String(body.length),
    "X-Forwarded-For": [before, address].flat().filter(Boolean).join(", "),
    "X-Forwarded-Host": host,
    "X-Forwarded-Proto": protocol,
    ...(authorization === undefined || request.headers.authorization ? {} : { Authorization: authorization }),
  };
  return ["Host", ownHost, ...passedOn(request, rewritten), ...Object.entries(own).flat()];
}

/** The backend's headers for the browser: names, order and repeated ones as they came. */
export function headersForBrowser(answer: IncomingMessage): RawHeaders {
  return passedOn(answer, []);
}

function passedOn(message: IncomingMessage, without: readonly string[]): RawHeaders {
  const named = (message.headers.connection ?? "").toLowerCase().split(",");
  const dropped = new Set([...hopByHop, ...without, ...named.map((name) => name.trim())]);
  const kept: RawHeaders = [];
  for (let i = 0; i + 1 < message.rawHeaders.length; i += 2) {
    const [name = "", value = ""] = message.rawHeaders.slice(i, i + 2);
    if (!dropped.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
