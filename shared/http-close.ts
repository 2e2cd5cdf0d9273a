import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";

/** Longer than any reply budget, in ms, and as long as a call to WeChat's API may take. */
const LONGEST_ANSWER = 5000;

/**
 * Knows the requests that are there whole and not answered yet. What it returns stops listening, lets those be answered
 * within `patience` ms (default and at most 5 s), and cuts connections that have sent no whole request by then. The
 * answers tell that their connections close: a proxy that kept one would send its next push there, only to have it refused.
 */
export function createHttpClose(app: FastifyInstance): (patience?: number) => Promise<void> {
  const unanswered = new Set<ServerResponse>();
  let isClosing = false;
  let onNone: (() => void) | undefined;
  app.addHook("preHandler", (_request, { raw }, done) => {
    unanswered.add(raw);
    raw.once("close", () => {
      unanswered.delete(raw);
      if (unanswered.size === 0) onNone?.();
    });
    if (isClosing) tellClose(raw);
    done();
  });

  async function drained(patience: number): Promise<void> {
    if (unanswered.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    onNone = resolve;
    const timer = setTimeout(resolve, Math.min(patience, LONGEST_ANSWER));
    await promise.finally(() => clearTimeout(timer));
  }

  return async (patience = LONGEST_ANSWER) => {
    isClosing = true;
    // Of several of one connection the last one tells it: Node sends none behind that.
    new Map([...unanswered].map((response) => [response.req.socket, response])).forEach(tellClose);
    const closing = app.close();
    await drained(patience);
    app.server.closeAllConnections();
    await closing;
  };
}

function tellClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}
