import { failures, type FailureCode } from "../failure.ts";
import { answer, query, refusal, type Part } from "./openapi-parts.ts";

const signed = [
  query("signature", "SHA-1 of Token, timestamp and nonce, sorted and joined, in lower-case hexadecimal"),
  query("timestamp", "Seconds since 1970; with `timeout` no older than that"),
  query("nonce", "Random text"),
];

/** What refuses the query of a check and of a push alike. */
const checked: readonly FailureCode[] = [
  "ARGUMENT_MISSING",
  "SIGNATURE_MISMATCH",
  "TIMESTAMP_INVALID",
  "SIGNATURE_EXPIRED",
];
/** Failures that are no push's. */
const others: readonly FailureCode[] = ["API_REFUSED", "API_UNREACHABLE", "CONFIG_INVALID"];

const reply = {
  type: "object",
  properties: {
    ToUserName: { type: "string" },
    FromUserName: { type: "string" },
    CreateTime: { type: "integer" },
    MsgType: { type: "string" },
  },
  required: ["ToUserName", "FromUserName", "CreateTime", "MsgType"],
};
const envelope = {
  type: "object",
  properties: {
    Encrypt: { type: "string" },
    MsgSignature: { type: "string" },
    TimeStamp: { type: ["integer", "string"] },
    Nonce: { type: "string" },
  },
  required: ["Encrypt", "MsgSignature", "TimeStamp", "Nonce"],
};

/** An account's service path, `listen-endpoints.service-path`: where WeChat checks the URL and pushes. */
export const pushPath: Part = {
  summary: "The service path of an account (服务器地址)",
  get: {
    tags: ["WeChat"],
    operationId: "checkUrl",
    summary: "WeChat's check of the URL",
    parameters: [...signed, query("echostr", "Text to send back", false)],
    responses: {
      200: answer("The echostr, or a greeting without one", "text/plain; charset=utf-8", { type: "string" }),
      ...refusals(checked),
    },
  },
  post: {
    tags: ["WeChat"],
    operationId: "push",
    summary: "A message or an event",
    description:
      "Its format is told from the body's first character, never from Content-Type. `success` means that the push is held and WeChat need not push it again.",
    parameters: [
      ...signed,
      query("openid", "The user. Balancers hash on it, so that tries of one push meet one gateway", false),
      query("encrypt_type", "`aes` for a sealed push", false, { enum: ["aes", "raw", ""] }),
      query("msg_signature", "With `aes`: SHA-1 of Token, timestamp, nonce and Encrypt", false),
    ],
    requestBody: {
      required: true,
      content: {
        "text/xml": { schema: { type: "string", description: "`<xml>…</xml>`; sealed: with `<Encrypt>`" } },
        "application/json": { schema: { type: "object", description: "The same in JSON; sealed: with `Encrypt`" } },
      },
    },
    responses: {
      200: {
        description: "`success`, or the reply in the push's format, sealed when the push was",
        content: {
          "text/xml; charset=utf-8": { schema: { type: "string", pattern: "^<xml>" } },
          "application/json; charset=utf-8": { schema: { anyOf: [reply, envelope] } },
          "text/plain; charset=utf-8": { schema: { type: "string", description: "`success`, or a store's own text" } },
        },
      },
      ...refusals(Object.keys(failures).filter((code) => !others.includes(code as FailureCode)) as FailureCode[]),
    },
  },
};

function refusals(codes: readonly FailureCode[]): Part {
  const byStatus = new Map<number, FailureCode[]>();
  for (const code of codes) {
    const status = failures[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, same]) => [status, refusal(same.join(", "))]));
}
