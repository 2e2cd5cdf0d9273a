import type { AddressInfo } from "node:net";
import Fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { noteArrivals } from "./arrival.ts";
import { createAsyncapi } from "./contract/asyncapi.ts";
import { createOpenapi } from "./contract/openapi.ts";
import { createHttpClose } from "./http-close.ts";
import { explainListenError } from "./listen-error.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";

export interface InternalServer {
  /** For routes that belong on this listener; before `listen`. */
  app: FastifyInstance;
  /** Resolves to the port in use. Rejects with `CONFIG_INVALID` when it cannot listen where the config says. */
  listen(): Promise<number>;
  /** Gives requests that are not answered yet `patience` ms (default and at most 5 s). */
  close(patience?: number): Promise<void>;
}

export interface InternalServerParts {
  host: string;
  port: number;
  /** Whether any free port will do when this one is in use: nobody asked for it. */
  isDefaultPort: boolean;
  log: Logger;
  metrics: Metrics;
  /** Whether the process can do its work right now. */
  isReady: () => boolean;
  /** The prefix of names on the broker, for the AMQP contract. */
  amqpPrefix: string;
}

const REQUEST_TIMEOUT = 10_000;

/**
 * The listener for operators, never for the public: `/healthz` (the process runs), `/readyz` (503 while the broker is
 * away), `/metrics` (Prometheus), `/asyncapi.json` (the AMQP contract with this config's
 * names), `/openapi.json` (the HTTP side).
 */
export function createInternalServer({
  host,
  port,
  isDefaultPort,
  log,
  metrics,
  isReady,
  amqpPrefix,
}: InternalServerParts): InternalServer {
  const app = Fastify({
    logger: false,
    requestTimeout: REQUEST_TIMEOUT,
    http: { headersTimeout: REQUEST_TIMEOUT }, // else Node's own 60 s would stand for bodies
    frameworkErrors: (_error, _request, reply) => refuse(reply, 400, "bad request\n"),
  });
  noteArrivals(app);
  const close = createHttpClose(app);
  app.setNotFoundHandler((_request, reply) => refuse(reply, 404, "404 page not found\n"));
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const ready = isReady();
    return reply.status(ready ? 200 : 503).send({ status: ready ? "ready" : "broker away" });
  });
  app.get("/metrics", async (_request, reply) => {
    metrics.busReady.set(isReady() ? 1 : 0);
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  addDocument(app, "/asyncapi.json", () => createAsyncapi(amqpPrefix));
  addDocument(app, "/openapi.json", createOpenapi);
  return {
    app,
    async listen() {
      await app
        .listen({ host, port })
        .catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "EADDRINUSE" || !isDefaultPort) throw error;
          log.warn(
            { port },
            "the default port of the internal listener is in use, taking a free one: set INTERNAL_LISTEN_PORT",
          );
          return app.listen({ host, port: 0 });
        })
        .catch(explainListenError("internal", { host, port }));
      return (app.server.address() as AddressInfo).port;
    },
    close,
  };
}

/** Made when it is first asked for. */
function addDocument(app: FastifyInstance, path: string, create: () => object): void {
  let text: string | undefined;
  app.get(path, async (_request, reply) => {
    text ??= JSON.stringify(create());
    return reply.type("application/json; charset=utf-8").send(text);
  });
}

/** Fastify's own answers quote the query, which holds access codes and signatures when a call has missed its port. */
function refuse(reply: FastifyReply, status: number, words: string): void {
  void reply.status(status).type("text/plain; charset=utf-8").send(words);
}
