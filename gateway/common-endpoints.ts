import type { FastifyInstance, FastifyRequest, HTTPMethods, RouteHandlerMethod } from "fastify";
import { elapsedOf } from "../shared/arrival.ts";
import type { CommonEndpoint } from "../shared/config/config.ts";
import type { Logger } from "../shared/log.ts";
import { sendAnswer, sendFailure } from "./common-endpoints-answer.ts";
import { createOpenCall, type CommonEndpointsParts, type OpenCall } from "./common-endpoints-call.ts";
import type { Endpoint } from "./endpoints/endpoint.ts";
import { shortenUrl, signPage } from "./endpoints/pages.ts";
import { makeQrCode } from "./endpoints/qr-code.ts";
import { findOrder, findRefund } from "./endpoints/store-orders.ts";
import { sendTemplateMessage } from "./endpoints/template-message.ts";
import { authorizeUser, findUser } from "./endpoints/users.ts";

const endpoints: Record<Exclude<CommonEndpoint, "health-check">, [HTTPMethods, Endpoint]> = {
  "wx-qr": ["GET", makeQrCode],
  "wx-user": ["GET", findUser],
  "sns-auth2": ["GET", authorizeUser],
  "short-url": ["POST", shortenUrl],
  "tmpl-msg": ["POST", sendTemplateMessage],
  "sign-jsapi": ["POST", signPage],
  "channels-ec-order-detail": ["GET", findOrder],
  "channels-ec-refund-detail": ["GET", findRefund],
};

/**
 * Largest body of a call, in bytes: far above any. To read one costs up to a hundred times what it does to read a push of
 * its size, and anybody may send one where the endpoints are public: 1 MiB would keep the process from pushes for seconds.
 */
const BODY_LIMIT = 64 * 1024;

/**
 * Adds the routes of `common-endpoints`, which act in an account's name without authentication: to the internal
 * listener when the config sets one, else to the public server. The health check is on both.
 */
export function addCommonEndpoints(app: FastifyInstance, internal: FastifyInstance, parts: CommonEndpointsParts): void {
  const { commonEndpoints: paths, internalListenerSet } = parts.config;
  const healthPath = paths["health-check"];
  if (healthPath !== undefined) {
    addHealthCheck(app, healthPath);
    // A path that the internal listener has itself answers there already.
    if (internalListenerSet && !internal.hasRoute({ method: "GET", url: healthPath }))
      addHealthCheck(internal, healthPath);
  }
  addEndpoints(internalListenerSet ? internal : app, parts);
}

/** The seed's program answers its health check with these very bytes. */
function addHealthCheck(app: FastifyInstance, path: string): void {
  void app.register(async (scope) => {
    refuseOthers(scope, ["GET", "HEAD"], path);
    scope.get(path, async (_request, reply) => reply.type("text/plain;charset=UTF-8").send("OK\n"));
  });
}

function addEndpoints(app: FastifyInstance, parts: CommonEndpointsParts): void {
  const open = createOpenCall(parts);
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    scope.setErrorHandler((error: Error, request, reply) => {
      return sendFailure(reply, error, request.routeOptions.url, parts.log);
    });
    for (const [name, [method, endpoint]] of Object.entries(endpoints)) {
      const url = parts.config.commonEndpoints[name as CommonEndpoint];
      if (url === undefined) continue;
      refuseOthers(scope, [method], url);
      const handler = createHandler(name, endpoint, open, parts.log);
      scope.route({
        method,
        url,
        bodyLimit: BODY_LIMIT,
        exposeHeadRoute: false,
        onRequest: forgetContentType,
        handler,
      });
    }
  });
}

function refuseOthers(scope: FastifyInstance, allowed: HTTPMethods[], url: string): void {
  const method = scope.supportedMethods.filter((other) => !allowed.includes(other));
  scope.route({ method, url, handler: async (_request, reply) => reply.status(405).send() });
}

function createHandler(name: string, endpoint: Endpoint, open: OpenCall, log: Logger): RouteHandlerMethod {
  return async (request, reply) => {
    let callLog = log;
    try {
      const call = await open(request);
      callLog = call.log;
      const answer = await endpoint(call);
      callLog.info({ endpoint: name, ms: elapsedOf(reply) }, "common endpoint");
      return sendAnswer(reply, answer);
    } catch (error) {
      return sendFailure(reply, error as Error, name, callLog);
    }
  };
}

/** Bodies tell themselves what they are; a Content-Type that Fastify cannot read must not be refused. */
async function forgetContentType(request: FastifyRequest): Promise<void> {
  delete request.headers["content-type"];
}
