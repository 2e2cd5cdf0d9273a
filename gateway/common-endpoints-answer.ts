import type { FastifyError, FastifyReply } from "fastify";
import { ApiFailure, describeFailure } from "../shared/api/api-failure.ts";
import { elapsedOf } from "../shared/arrival.ts";
import { isFailure } from "../shared/failure.ts";
import type { Logger } from "../shared/log.ts";
import { writeJson } from "./endpoints/json-text.ts";

/** Answers a call that succeeded: `{"code":200,…,"msg":"OK"}` with keys in order, as the seed's program writes it. */
export function sendAnswer(reply: FastifyReply, fields: Record<string, unknown>): FastifyReply {
  return send(reply, 200, { code: 200, msg: "OK", ...fields });
}

/** Answers and logs one that failed: `{"code","msg"}` with the failure's own words, and WeChat's `errcode`. */
export function sendFailure(
  reply: FastifyReply,
  error: Error,
  endpoint: string | undefined,
  log: Logger,
): FastifyReply {
  const { status, msg } = describe(error);
  const errcode = error instanceof ApiFailure ? { errcode: error.errcode } : {};
  const line = { endpoint, status, ms: elapsedOf(reply) };
  if (status < 500) log.info({ ...line, reason: msg }, "common endpoint refused");
  else log.warn({ ...line, ...describeFailure(error) }, "common endpoint failed");
  return send(reply, status, { code: status, msg, ...errcode });
}

function describe(error: Error & Partial<FastifyError>): { status: number; msg: string } {
  if (isFailure(error)) return { status: error.status, msg: error.message };
  const { statusCode: status = 500 } = error;
  if (status === 413) return { status, msg: "the body is too large" };
  return status >= 400 && status < 500 ? { status, msg: "bad request" } : { status: 500, msg: "internal error" };
}

function send(reply: FastifyReply, status: number, fields: Record<string, unknown>): FastifyReply {
  return reply.status(status).header("content-type", "application/json;charset=UTF-8").send(writeJson(fields));
}
