import { Type } from "typebox";
import { topicPattern } from "../bus/topic.ts";
import { aesKey, cidr, delay, duration } from "./schema-types.ts";

/** Waits between tries where none are set. */
export const retryLadder = ["1s", "10s", "1m", "10m", "1h", "6h", "24h"];

/** Settings of an account that say where its pushes go and what becomes of replies and failures. */
export const deliverySettings = {
  delivery: Type.Optional(
    Type.Enum(["http", "amqp", "echo"], {
      description:
        "Who handles pushes: the HTTP backend, AMQP consumers alone, or an echo. Default: http with msg-proxy-pass, else amqp with fan-out, else echo.",
    }),
  ),
  "fan-out": Type.Boolean({
    default: false,
    description: "Publishes every push again, with userInfo, to <prefix>.enriched.<service>.",
  }),
  reply: Type.Array(
    Type.String({
      pattern: topicPattern,
      description: "A routing-key pattern.",
      "x-must": 'must be a routing-key pattern such as "msg.*" or "event.CLICK"',
    }),
    { default: ["#"], description: "Routing-key patterns of the pushes that wait for a reply." },
  ),
  "reply-budget": duration({
    from: "500ms",
    to: "4900ms",
    default: "4500ms",
    description: "Time from a push's arrival until its answer. WeChat hangs up after 5 s.",
  }),
  "reply-window": Type.Enum(["first", "retries"], {
    default: "first",
    description: "Waits for a reply during WeChat's first try only, or during its retries too (about 14 s).",
  }),
  "late-reply": Type.Enum(["drop", "customer-service"], {
    default: "drop",
    description: "What becomes of a reply that missed the answer: dropped, or sent as a customer-service message.",
  }),
  "backend-timeout": duration({
    from: "100ms",
    to: "20m",
    default: "30s",
    description:
      "Time the HTTP backend may take, apart from the reply budget. RabbitMQ takes back what is not acked in 30 minutes.",
  }),
  retry: Type.Array(
    delay({ from: "100ms", to: "7d", description: "The wait before the next try; a queue is named for it." }),
    {
      default: retryLadder,
      description: "Waits between tries at a failing backend; [] tries once.",
    },
  ),
  unhandled: Type.Enum(["drop", "dead-letter"], {
    default: "drop",
    description: "What becomes of pushes that the backend answers 404, 405, 410 or 501.",
  }),
  ordering: Type.Enum(["none", "user"], {
    default: "none",
    description:
      "With user, one user's events are delivered one after another, in their order, by one dispatcher process at a time.",
  }),
  concurrency: Type.Integer({
    minimum: 1,
    maximum: 65_535,
    default: 256,
    description: "Deliveries in flight at once.",
    "x-must": "must be a whole number from 1 to 65535",
  }),
};

/** Settings of an account that say who gets in, and what is signed. */
export const securitySettings = {
  "allow-plaintext": Type.Boolean({
    default: false,
    description: "Takes plaintext pushes although there is an aes-key. Their signature never covers the body.",
  }),
  "allow-from": Type.Optional(
    Type.Union([Type.Literal("wechat"), Type.Array(cidr({ description: "An address or a CIDR." }), { minItems: 1 })], {
      description: 'Addresses that may push: a list of CIDRs, or "wechat" for the list WeChat publishes. Default: any.',
      "x-must": 'must be "wechat" or a list that is not empty, such as ["203.0.113.0/24"]',
    }),
  ),
  "previous-token": Type.String({
    pattern: "^[!-~]*$",
    writeOnly: true,
    default: "",
    description: "The Token before a rotation, accepted as well.",
    "x-must": "must be the former Token: letters and digits",
  }),
  "previous-aes-key": aesKey({
    description: "The EncodingAESKey before a rotation, accepted as well.",
    "x-must": 'must be the 43 characters (A-Z a-z 0-9 + /) of the former EncodingAESKey, or ""',
  }),
  "webhook-secret": Type.Optional(
    Type.Refine(
      Type.String({
        pattern: "^whsec_[A-Za-z0-9+/]+={0,2}$",
        writeOnly: true,
        description: "Signs the requests to the HTTP backend as Standard Webhooks describes.",
        "x-must": 'must be "whsec_" and the base64 of 24 to 64 random bytes (openssl rand -base64 32)',
      }),
      (secret) => {
        const bytes = Buffer.from(secret.slice("whsec_".length), "base64").length;
        return bytes >= 24 && bytes <= 64;
      },
    ),
  ),
  "token-api": Type.Enum(["stable_token", "token"], {
    default: "stable_token",
    description:
      "How access tokens are fetched. `token` makes the previous token invalid: only where nothing else uses the account.",
  }),
};
