import type { IncomingMessage } from "node:http";
import type { FastifyReply } from "fastify";
import { elapsedOf } from "../shared/arrival.ts";
import { codeOf } from "../shared/code-of.ts";
import type { Logger } from "../shared/log.ts";
import { callBackend, LateBackendError, passBack, type BackendCall } from "./redirect.ts";

/** Calls a backend and gives a browser its answer: 504 when it is late, 502 when there is none. Never rejects. */
export type Relay = (reply: FastifyReply, call: Omit<BackendCall, "signal">) => Promise<FastifyReply>;

/**
 * Makes the relay of one account. A browser that leaves, or is cut off as the gateway closes, ends the call of the backend; a
 * backend that breaks off ends the browser's connection, as the rest of the body is missing.
 */
export function createRelay(log: Logger): Relay {
  return async function relay(reply, call) {
    const browser = watchBrowser(reply);
    let answer: IncomingMessage;
    try {
      answer = await callBackend({ ...call, signal: browser });
    } catch (error) {
      record(reply, log, browser.aborted ? { outcome: "browser left" } : { outcome: "no answer", error });
      return refuse(reply, error);
    }
    reply.hijack();
    record(reply, log, await passBack(answer, reply.raw));
    return reply;
  };
}

function watchBrowser({ raw }: FastifyReply): AbortSignal {
  const browser = new AbortController();
  raw.once("close", () => browser.abort());
  if (raw.destroyed) browser.abort();
  return browser.signal;
}

function record(reply: FastifyReply, log: Logger, { outcome, error }: { outcome: string; error?: unknown }): void {
  const line = { outcome, ms: elapsedOf(reply) };
  if (error === undefined) log.info(line, "web authorization");
  else log.warn({ ...line, reason: describeBackendError(error) }, "web authorization");
}

function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  const [status, what] =
    error instanceof LateBackendError ? [504, "did not answer in time"] : [502, "cannot be reached"];
  return reply.status(status).type("text/plain; charset=utf-8").send(`the service behind this page ${what}\n`);
}

/** Never the message: Node's may hold an address. */
function describeBackendError(error: unknown): string {
  return error instanceof LateBackendError ? "no answer in backend-timeout" : codeOf(error, "connection failed");
}
