import { Transform } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest, RequestPayload } from "fastify";
import type { Account } from "../shared/config/config.ts";
import { Failure } from "../shared/failure.ts";
import { nextTurn } from "../shared/turn.ts";
import { anyAddress, type AddressFilter } from "./address-filter.ts";
import type { PushOpener, Query } from "./open-push.ts";
import { containerProbe, type PushHandler } from "./push-handler.ts";

export interface PushRouteParts {
  opener: PushOpener;
  answerPush: PushHandler;
  addresses: AddressFilter;
}

/** Adds an account's service path: GET is WeChat's check of the URL (echostr), POST a push. */
export function addPushRoutes(app: FastifyInstance, account: Account, parts: PushRouteParts): void {
  const { opener, answerPush, addresses } = parts;

  app.get(account.servicePath, async (request, reply) => {
    const query = readQuery(request);
    opener.verify(query);
    return reply.type("text/plain; charset=utf-8").send(query["echostr"] ?? "hello, this is wx-bridge");
  });

  const preParsing = createReadBody(opener);
  const isOpenToAll = addresses === anyAddress; // Fastify works out `ip` only when it is asked for
  app.post(account.servicePath, { preParsing }, async (request, reply) => {
    if (!isOpenToAll) await checkAddress(request.ip, addresses);
    const { arrivedAt } = request;
    const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
    const isOpen = (): boolean => !request.raw.socket.destroyed;
    await nextTurn();
    const text = await answerPush({ query: request.query as Query, body, arrivedAt, isOpen });
    await nextTurn();
    if (text === undefined) return hangUp(reply);
    reply.type(contentTypeOf(text));
    return text;
  });
}

async function checkAddress(address: string, addresses: AddressFilter): Promise<void> {
  await addresses.ready?.();
  if (!addresses.allows(address)) throw new Failure("ADDRESS_REFUSED", "address not allowed");
}

type ReadBody = (
  request: FastifyRequest,
  reply: FastifyReply,
  payload: RequestPayload,
  done: (error: null, payload: RequestPayload) => void,
) => void;

/**
 * Reads the body of a request that is not signed no further than cloud hosting's probe is long: it is refused at once, and
 * nobody without the token can have memory filled with bodies that never end. Leaves the plain query on the request.
 */
function createReadBody(opener: PushOpener): ReadBody {
  return (request, _reply, payload, done) => {
    // The body alone tells what it is: a Content-Type that Fastify cannot read must not cost a push.
    request.headers["content-type"] = "application/octet-stream";
    const query = readQuery(request);
    try {
      opener.verify(query);
      done(null, payload);
    } catch (refusal) {
      const limited = payload.pipe(limitTo(containerProbe.length, refusal as Error));
      done(
        null,
        limited.once("error", () => payload.resume()),
      );
    }
  };
}

function limitTo(bytes: number, refusal: Error): Transform {
  let read = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      read += chunk.length;
      if (read > bytes) done(refusal);
      else done(null, chunk);
    },
  });
}

/** To WeChat this is no answer at all, so that it pushes again. */
function hangUp(reply: FastifyReply): FastifyReply {
  reply.hijack();
  reply.raw.destroy();
  return reply;
}

function contentTypeOf(text: string): string {
  if (text.startsWith("<xml>")) return "text/xml; charset=utf-8";
  return `${text.startsWith("{") ? "application/json" : "text/plain"}; charset=utf-8`;
}

/** A parameter that stands twice counts by its first value. */
function readQuery(request: FastifyRequest): Query {
  const query = request.query as Record<string, string | string[] | undefined>;
  for (const name in query) {
    const value = query[name];
    if (Array.isArray(value)) query[name] = value[0];
  }
  return query as Query;
}
