import type { FastifyInstance, FastifyReply } from "fastify";

declare module "fastify" {
  interface FastifyRequest {
    /** Epoch ms at which the request's headers were there; 0 when it was refused before. */
    arrivedAt: number;
  }
}

/**
 * Notes when each request came, before its body is read: Fastify's own `elapsedTime` is 0 without its logger and hooks on
 * responses. `lateness` tells for how many ms what is read now may have lain unread.
 */
export function noteArrivals(app: FastifyInstance, lateness: () => number = () => 0): void {
  app.decorateRequest("arrivedAt", 0);
  app.addHook("onRequest", (request, _reply, done) => {
    request.arrivedAt = Math.round(Date.now() - lateness());
    done();
  });
}

/** Milliseconds since a request came; 0 for one refused before that was noted, which may lack `arrivedAt` altogether. */
export function elapsedOf({ request: { arrivedAt } }: FastifyReply): number {
  return arrivedAt > 0 ? Date.now() - arrivedAt : 0;
}
