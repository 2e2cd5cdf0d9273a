import type { FastifyInstance } from "fastify";

/** Longer than any reply budget, in ms, and as long as a call to WeChat's API may take. */
const LONGEST_ANSWER = 5000;

/**
 * Counts the requests that are there whole and not answered yet. What it returns stops listening, lets those be answered
 * within `patience` ms (default and at most 5 s), and cuts connections that have sent no whole request by then.
 */
export function createHttpClose(app: FastifyInstance): (patience?: number) => Promise<void> {
  let count = 0;
  let onNone: (() => void) | undefined;
  app.addHook("preHandler", (_request, reply, done) => {
    count++;
    reply.raw.once("close", () => {
      count--;
      if (count === 0) onNone?.();
    });
    done();
  });

  async function drained(patience: number): Promise<void> {
    if (count === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    onNone = resolve;
    const timer = setTimeout(resolve, Math.min(patience, LONGEST_ANSWER));
    await promise.finally(() => clearTimeout(timer));
  }

  return async (patience = LONGEST_ANSWER) => {
    const closing = app.close();
    await drained(patience);
    app.server.closeAllConnections();
    await closing;
  };
}
