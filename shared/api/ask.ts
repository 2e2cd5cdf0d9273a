import type { Dispatcher } from "undici";
import { codeOf } from "../code-of.ts";
import { Failure } from "../failure.ts";
import { openAnswer, type WechatAnswer } from "./answer.ts";

/** Longest answer that is read, in bytes. */
const maxAnswer = 1024 * 1024;

/** Query parameters that may be printed nowhere. */
const secretNames = ["access_token", "refresh_token", "secret", "code"];

export interface AskRequest {
  /** Sent url-encoded. */
  query?: Readonly<Record<string, string>> | undefined;
  /** A string is sent as it is (ready JSON), anything else as its JSON: by POST. Without a body it is a GET. */
  body?: unknown;
  /** Milliseconds until the whole answer must be there; default 5000. */
  timeout?: number | undefined;
  /** Called when the request goes out on a connection: from then on WeChat may act on it, whatever comes back. */
  onSend?: (() => void) | undefined;
}

/**
 * One request to WeChat's API, never repeated. Rejects with an `ApiFailure` when WeChat answers with an errcode and
 * with `API_UNREACHABLE` when no usable answer comes; no message holds a query, a token or a secret.
 */
export type Ask = (path: string, request?: AskRequest) => Promise<WechatAnswer>;

export interface AskOptions {
  /** Such as `https://api.weixin.qq.com`; a path in it comes before each call's own. */
  apiBase: string;
  http: Dispatcher;
  /** Blotted out wherever WeChat echoes them. */
  secrets: readonly string[];
}

/** Makes the function that all calls to WeChat's API go through. */
export function createAsk({ apiBase, http, secrets }: AskOptions): Ask {
  const { origin, pathname } = new URL(apiBase);
  const prefix = pathname.replace(/\/+$/, "");

  return async (path, { body, query = {}, timeout = 5000, onSend } = {}) => {
    const method = body === undefined ? "GET" : "POST";
    const what = `${method} ${path.split("?", 1)[0]}`;
    if (timeout <= 0) throw new Failure("API_UNREACHABLE", `${what}: no time left`);
    const request = { origin, method, path: prefix + withQuery(path, query), ...jsonBody(body) };
    const { status, text } = await exchange(onSend ? http.compose(tellSend(onSend)) : http, request, timeout, what);
    if (status < 200 || status > 299) throw new Failure("API_UNREACHABLE", `${what}: HTTP ${status}`);
    return openAnswer(text, what, [...secrets, ...secretsOf(query)]);
  };
}

function withQuery(path: string, query: NonNullable<AskRequest["query"]>): string {
  const parameters = new URLSearchParams(query);
  // A form's "+" for a blank is not understood everywhere; "%20" is.
  return parameters.size === 0 ? path : `${path}?${parameters.toString().replaceAll("+", "%20")}`;
}

function secretsOf(query: NonNullable<AskRequest["query"]>): string[] {
  return secretNames.flatMap((name) => query[name] ?? []);
}

function jsonBody(body: unknown): { headers: Record<string, string>; body: string } | undefined {
  if (body === undefined) return undefined;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { headers: { "content-type": "application/json; charset=utf-8" }, body: text };
}

function tellSend(onSend: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      onSend();
      start?.(controller, context);
    };
    return dispatch(options, handler);
  };
}

async function exchange(
  http: Dispatcher,
  request: Dispatcher.RequestOptions,
  timeout: number,
  what: string,
): Promise<{ status: number; text: string }> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeout);
  try {
    const { statusCode, body } = await http.request({ ...request, signal: stop.signal });
    return { status: statusCode, text: await readBounded(body, what) };
  } catch (error) {
    if (error instanceof Failure) throw error;
    const reason = stop.signal.aborted
      ? `no answer in ${Math.round(timeout)} ms`
      : `no answer (${codeOf(error, "connection failed")})`;
    // The cause stays behind: it may hold the address with its query.
    throw new Failure("API_UNREACHABLE", `${what}: ${reason}`);
  } finally {
    clearTimeout(timer);
  }
}

async function readBounded(body: AsyncIterable<Buffer>, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxAnswer) throw new Failure("API_UNREACHABLE", `${what}: the answer is over ${maxAnswer} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
