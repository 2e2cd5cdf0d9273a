import type { IncomingMessage, ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import { pino, type Logger } from "pino";
import { Agent } from "undici";
import { recordRequest, sendAnswer, sendFault, type RecordedRequest } from "../../support/http-answer.ts";
import { createLoopbackServer } from "../../support/loopback-server.ts";

/** A call as it arrived. `target` is the path with its query, still encoded. */
export interface Call extends RecordedRequest {
  target: string;
}

/** JSON to answer with, a raw answer, nothing at all, or a connection that breaks. */
export type Answer = object | { status: number; text: string } | "hang" | "reset" | "truncate";
export type Responder = (call: Call) => Answer | Promise<Answer>;

/** A server whose every answer the test decides, where `createWechatApi` of test/support keeps to the documents. */
export interface ApiServer {
  readonly apiBase: string;
  readonly http: Agent;
  readonly calls: readonly Call[];
  /** Answers `path` from now on. Until then token calls get AT_1, AT_2 … and all else `{"errcode":0}`. */
  on(path: string, responder: Responder): void;
  count(path: string): number;
  /** stable_token answers the same token until this is called or a new one forced. */
  newToken(): void;
}

/** Starts the server with a client for it; both end with the test. */
export async function createApiServer(t: TestContext): Promise<ApiServer> {
  const calls: Call[] = [];
  let token = 1;
  const responders = new Map<string, Responder>([
    ["/cgi-bin/stable_token", ({ body }) => tokenAnswer(body.includes('"force_refresh":true') ? ++token : token)],
    ["/cgi-bin/token", () => tokenAnswer(token++)],
  ]);

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = { ...(await recordRequest(request)), target: request.url ?? "" };
    calls.push(call);
    const responder = responders.get(call.path) ?? (() => ({ errcode: 0, errmsg: "ok" }));
    await send(response, await responder(call));
  }

  const server = await createLoopbackServer(t, (request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  const http = new Agent();
  t.after(() => http.destroy());
  return {
    apiBase: server.url,
    http,
    calls,
    on: (path, responder) => void responders.set(path, responder),
    count: (path) => calls.filter((call) => call.path === path).length,
    newToken: () => void token++,
  };
}

function tokenAnswer(n: number): Answer {
  return { access_token: `AT_${n}`, expires_in: 7200 };
}

async function send(response: ServerResponse, answer: Answer): Promise<void> {
  if (typeof answer === "string") await sendFault(response, answer);
  else if ("text" in answer && "status" in answer)
    await sendAnswer(response, { status: answer.status, body: answer.text });
  else await sendAnswer(response, { body: answer });
}

/** A logger that keeps its lines. */
export function createKeptLog(): { log: Logger; lines: string[]; find: (part: string) => string[] } {
  const lines: string[] = [];
  const log = pino({ level: "debug", base: null }, { write: (line: string) => void lines.push(line) });
  return { log, lines, find: (part) => lines.filter((line) => line.includes(part)) };
}

/** A clock that stands still until it is moved, in milliseconds. */
export function createClock(): { now: () => number; pass: (ms: number) => void } {
  let time = 1_000_000;
  return { now: () => time, pass: (ms) => void (time += ms) };
}
