import { Agent } from "undici";
import { basicAuthorizationOf } from "../shared/basic-authorization.ts";
import { codeOf } from "../shared/code-of.ts";
import { lookupTogether } from "../shared/lookup-together.ts";
import { createMemo } from "../shared/memo.ts";
import { MAX_REPLY_BYTES } from "../shared/reply.ts";
import { nextTurn } from "../shared/turn.ts";
import { collectAnswer } from "./collect-answer.ts";

const MAX_REDIRECTS = 3;
const CONNECT_TIMEOUT = 5000;
const MAX_TARGETS = 1000;

export interface BackendAnswer {
  status: number;
  /** undefined when the answer is longer than 1 MiB. */
  text: string | undefined;
}

/** POSTs to backends over HTTP/1.1 connections that are kept alive; one for all accounts of a process. */
export interface BackendClient {
  /**
   * Resolves with whatever status comes within `timeout` ms, 307 and 308 followed; rejects when none comes. A user and
   * password in the URL go into `Authorization`, also after a redirect on the same origin.
   */
  post(url: string, headers: Record<string, string>, body: Buffer, timeout: number): Promise<BackendAnswer>;
  close(): Promise<void>;
}

export function createBackendClient(): BackendClient {
  // Not HTTP/2: all would share one connection, and a request given up would leave it in use although it may be dead.
  const agent = new Agent({ allowH2: false, connect: { timeout: CONNECT_TIMEOUT, lookup: lookupTogether } });
  /** Parsed once: a backend has a URL for each routing key. */
  const targetOf = createMemo(MAX_TARGETS, (url) => targetAt(new URL(url)));

  async function post(
    url: string,
    headers: Record<string, string>,
    body: Buffer,
    timeout: number,
  ): Promise<BackendAnswer> {
    const deadline = performance.now() + timeout;
    let target = targetOf(url);
    for (let redirects = 0; ; redirects++) {
      const request = {
        origin: target.origin,
        path: target.path,
        method: "POST" as const,
        headers: target.authorization === undefined ? headers : { ...headers, authorization: target.authorization },
        body,
        headersTimeout: 0, // ours covers the answer as a whole
        bodyTimeout: 0,
      };
      const left = Math.max(deadline - performance.now(), 0);
      const { status, text, location } = await collectAnswer(agent, request, left, MAX_REPLY_BYTES);
      await nextTurn();
      if (location === undefined || redirects === MAX_REDIRECTS || !keepsMethod(status)) return { status, text };
      target = targetAt(redirected(target.url, location));
    }
  }

  return { post, close: () => agent.destroy() };
}

/** Where requests go: the parts of a URL, which a URL puts together anew each time it is asked. */
interface Target {
  url: URL;
  origin: string;
  path: string;
  authorization: string | undefined;
}

function targetAt(url: URL): Target {
  return { url, origin: url.origin, path: url.pathname + url.search, authorization: basicAuthorizationOf(url) };
}

/** `location` as undici has headers, a character for each byte: some servers write it in UTF-8. */
function redirected(from: URL, location: string): URL {
  const to = new URL(Buffer.from(location, "latin1").toString("utf8"), from);
  if (to.origin === from.origin && to.username === "") {
    to.username = from.username;
    to.password = from.password;
  }
  return to;
}

/** Only these two keep method and body, so only they are a way to say that the backend has moved. */
function keepsMethod(status: number): boolean {
  return status === 307 || status === 308;
}

/** Why no answer came, without URL or content. */
export function describeNetworkError(error: unknown): string {
  if (!(error instanceof Error)) return "no answer";
  return error.name === "TimeoutError" ? "no answer in backend-timeout" : codeOf(error, error.name);
}
