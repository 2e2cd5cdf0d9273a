import type { AddressInfo } from "node:net";
import Fastify, { type FastifyInstance } from "fastify";
import type { Metrics } from "./metrics.ts";

export interface InternalServer {
  /** For routes that belong on this listener; before `listen`. */
  app: FastifyInstance;
  /** Resolves to the port in use. */
  listen(): Promise<number>;
  close(): Promise<void>;
}

export interface InternalServerParts {
  host: string;
  port: number;
  metrics: Metrics;
  /** Whether the process can do its work right now. */
  isReady: () => boolean;
}

/**
 * The listener for operators, never for the public: `/healthz` (the process runs), `/readyz` (503 while the broker is
 * away), `/metrics` (Prometheus).
 */
export function createInternalServer({ host, port, metrics, isReady }: InternalServerParts): InternalServer {
  const app = Fastify({ logger: false, requestTimeout: 10_000, forceCloseConnections: true });
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const ready = isReady();
    return reply.status(ready ? 200 : 503).send({ status: ready ? "ready" : "broker away" });
  });
  app.get("/metrics", async (_request, reply) => {
    metrics.busReady.set(isReady() ? 1 : 0);
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  return {
    app,
    async listen() {
      await app.listen({ host, port });
      return (app.server.address() as AddressInfo).port;
    },
    close: () => app.close(),
  };
}
