import type { FastifyInstance } from "fastify";

/** Longer than any reply budget. */
const LONGEST_ANSWER = 5000;

/**
 * Counts the requests that are there whole and not answered yet. What it returns stops listening, lets those be answered,
 * and cuts connections that have sent no whole request by then.
 */
export function createHttpClose(app: FastifyInstance): () => Promise<void> {
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

  async function drained(): Promise<void> {
    if (count === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    onNone = resolve;
    const timer = setTimeout(resolve, LONGEST_ANSWER);
    await promise.finally(() => clearTimeout(timer));
  }

  return async () => {
    const closing = app.close();
    await drained();
    app.server.closeAllConnections();
    await closing;
  };
}
