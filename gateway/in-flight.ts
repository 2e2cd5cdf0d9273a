import type { FastifyInstance } from "fastify";

/** Counts the requests that are there whole and not answered yet. */
export interface InFlight {
  readonly count: number;
  /** Resolves when there are none, or after `timeout` ms. */
  drained(timeout: number): Promise<void>;
}

export function countInFlight(app: FastifyInstance): InFlight {
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
  return {
    get count() {
      return count;
    },
    async drained(timeout) {
      if (count === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onNone = resolve;
      const timer = setTimeout(resolve, timeout);
      await promise.finally(() => clearTimeout(timer));
    },
  };
}

/** Longer than any reply budget. */
const LONGEST_ANSWER = 5000;

/** Stops listening, lets what is in flight be answered, and cuts connections that have sent no whole request by then. */
export async function closeHttpServer(app: FastifyInstance, inFlight: InFlight): Promise<void> {
  const closing = app.close();
  await inFlight.drained(LONGEST_ANSWER);
  app.server.closeAllConnections();
  await closing;
}
