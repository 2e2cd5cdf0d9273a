import type { IncomingMessage, ServerResponse } from "node:http";
import { createArrivals } from "./arrivals.ts";
import {
  recordRequest,
  sendAnswer,
  sendFault,
  type Fault,
  type GivenAnswer,
  type RecordedRequest,
} from "./http-answer.ts";
import { createLoopbackServer, type Closing, type LoopbackServer } from "./loopback-server.ts";

/** A request as the backend got it. */
export type BackendRequest = RecordedRequest;

/** What the backend does with a request. */
export type BackendAnswer = GivenAnswer | Fault;

/** A fixed answer, or one that depends on the request. */
export type BackendHandler = BackendAnswer | ((request: BackendRequest) => BackendAnswer | Promise<BackendAnswer>);

/** An account's HTTP backend. */
export interface Backend extends LoopbackServer {
  /** Every request so far, in order of arrival. */
  readonly requests: readonly BackendRequest[];
  /**
   * The next requests that `next` has not handed out yet, in order of arrival, whether or not they are there already.
   * Rejects after `timeoutMs` (default 10 000).
   */
  next(count?: number, timeoutMs?: number): Promise<BackendRequest[]>;
  /** Answers one path this way from now on, or with a handler alone every path that has no answer of its own. */
  answer(handler: BackendHandler): void;
  answer(path: string, handler: BackendHandler): void;
  /** Stops for good; runs at the test's end. Rejects with what a handler threw, which its sender saw as status 500. */
  close(): Promise<void>;
}

/** A handler that answers nobody before `release`: what is to happen until then takes the time it needs. */
export function createHeldAnswer(answer: BackendAnswer): { handler: BackendHandler; release: () => void } {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  return { handler: () => released.then(() => answer), release };
}

const taken: BackendAnswer = { body: { type: "text", msg: "ok" } };

/** Starts a backend on a free loopback port; without a handler it answers `{"type":"text","msg":"ok"}`. */
export async function createBackend(t: Closing, handler: BackendHandler = taken): Promise<Backend> {
  const arrivals = createArrivals<BackendRequest>("backend requests");
  const handlers = new Map<string | undefined, BackendHandler>([[undefined, handler]]);
  const thrown: unknown[] = [];

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const recorded = await recordRequest(request);
    arrivals.add(recorded);
    const found = handlers.get(recorded.path) ?? handlers.get(undefined) ?? taken;
    await respond(response, typeof found === "function" ? await found(recorded) : found);
  }

  const server = await createLoopbackServer(t, (request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (request.complete) thrown.push(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });

  async function close(): Promise<void> {
    await server.stop();
    const errors = thrown.splice(0);
    if (errors.length > 0) throw new AggregateError(errors, `a backend handler threw: ${String(errors[0])}`);
  }

  t.after(close);
  return {
    port: server.port,
    url: server.url,
    get connections() {
      return server.connections;
    },
    requests: arrivals.all,
    next: (count, timeoutMs) => arrivals.next(count, timeoutMs),
    answer: (...given: [BackendHandler] | [string, BackendHandler]) =>
      void (given.length === 1 ? handlers.set(undefined, given[0]) : handlers.set(...given)),
    start: () => server.start(),
    stop: () => server.stop(),
    close,
  };
}

async function respond(response: ServerResponse, answer: BackendAnswer): Promise<void> {
  if (typeof answer === "string") await sendFault(response, answer);
  else await sendAnswer(response, answer);
}
