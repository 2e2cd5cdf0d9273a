import { createServer } from "node:http";
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { elapsedOf, noteArrivals } from "../shared/arrival.ts";
import { decodePath } from "../shared/decode-path.ts";
import { Failure, isFailure } from "../shared/failure.ts";
import type { Logger } from "../shared/log.ts";
import type { Metrics } from "../shared/metrics.ts";
import { boundPipelining } from "./bound-pipelining.ts";
import type { Lateness } from "./lateness.ts";

/** Largest push taken, in bytes. */
const BODY_LIMIT = 1024 * 1024;
/** A request must be there whole within this time, in ms, give or take how often that is looked at. */
const REQUEST_TIMEOUT = 10_000;
const TIMEOUTS_CHECKED_EVERY = 1000;
/** Longer than proxies keep a connection that nobody uses, in ms: 60 s mostly. */
const KEEP_ALIVE_TIMEOUT = 72_000;
const timeouts = {
  requestTimeout: REQUEST_TIMEOUT,
  headersTimeout: REQUEST_TIMEOUT, // Node takes the greater of the two for bodies: its own 60 s would stand
  connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
};
/** Proxies that are believed: where nobody on the internet is. Cloud load balancers call from shared addresses (RFC 6598). */
const TRUSTED_PROXIES = ["loopback", "linklocal", "uniquelocal", "100.64.0.0/10"];

export interface HttpServerParts {
  /** Names the service of a path for logs and metrics. */
  serviceOf: (path: string) => string;
  /** For how many ms what is read now may have lain unread. Default: 0. */
  lateness?: Lateness["ms"];
  log: Logger;
  metrics: Metrics;
}

/**
 * The public HTTP server: raw bodies of any Content-Type up to 1 MiB, exact paths, and answers that hold nothing but
 * the failure's own words.
 */
export function createHttpServer({ serviceOf, lateness, log, metrics }: HttpServerParts): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    serverFactory: (handle) => createServer(timeouts, boundPipelining(handle)),
    trustProxy: TRUSTED_PROXIES,
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true },
    frameworkErrors: answerError, // Fastify's own answer to a path it cannot decode quotes the query
  });
  noteArrivals(app, lateness);
  app.removeAllContentTypeParsers();
  // By its name, too, what pushes are read as (`createReadBody`): Fastify would look for it anew each time.
  app.addContentTypeParser(["application/octet-stream", "*"], { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );

  app.setErrorHandler(answerError);
  // Fastify's own `hasRoute` would read a stranger's path as a pattern, and throw for some.
  const known = new Set<string>();
  app.addHook("onRoute", ({ url }) => void known.add(url));
  app.setNotFoundHandler((request, reply) => {
    if (known.has(pathOf(request.url))) return reply.status(405).send();
    return reply.status(404).type("text/plain; charset=utf-8").send("404 page not found\n");
  });
  return app;

  function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
    const service = serviceOf(pathOf(request.url));
    const { status, code, message } = describe(error);
    metrics.refused.inc({ service, code });
    const line = { service, code, status, ms: elapsedOf(reply) };
    if (code === "INTERNAL") log.error({ ...line, ...describeUnforeseen(error) }, "request failed");
    else log.info({ ...line, reason: message }, "request refused");
    void reply.status(status).type("text/plain; charset=utf-8").send(`${message}\n`);
  }
}

function pathOf(url: string): string {
  return decodePath(url.split("?", 1)[0] ?? url);
}

/** An error nobody foresaw is answered 503, so that WeChat pushes again. */
function describe(error: Error & Partial<FastifyError>): { status: number; code: string; message: string } {
  if (isFailure(error)) return { status: error.status, code: error.code, message: error.message };
  if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return describe(new Failure("BODY_TOO_LARGE", `a push has at most ${BODY_LIMIT} bytes`));
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return { status, code: "BAD_REQUEST", message: "bad request" };
  return { status: 503, code: "INTERNAL", message: "try again" };
}

/** Where it happened, and what kind it is: its words may quote the content, and so may a whole stack. */
function describeUnforeseen({ name, stack = "" }: Error): { reason: string; at: string | undefined } {
  return { reason: name, at: /([\w.-]+\.[jt]s:\d+):\d+\)?$/m.exec(stack)?.[1] };
}
