import { Type } from "typebox";
import { headers, type Header } from "../headers.ts";
import type { JsonSchema } from "./event-schemas.ts";

/** RabbitMQ and its plugins write headers of their own on the way, such as x-death and x-delivery-count. */
const brokers = "^(x-(?!wx-)|timestamp_in_ms$)";
/** A consumer's client may add headers of its own; names that begin with x-wx- are the contract's. */
const anybodys = "^(?!x-wx-)";

const ofEvents: Header[] = ["contract", "service", "deadline", "budget", "attempt", "traceparent"];
const ofReplies: Header[] = ["contract", "service", "deferred"];

/** Headers by kind of message: those of the contract, and no other whose name begins with x-wx-. */
export const headerSchemas: Record<string, JsonSchema> = {
  eventHeaders: headersOf(ofEvents, [], brokers),
  retryHeaders: headersOf([...ofEvents, "error"], [], brokers),
  deadLetterHeaders: headersOf([...ofEvents, "error", "reason", "deadAt"], ["queue"], brokers),
  replyHeaders: headersOf([], ofReplies, anybodys),
  lateReplyHeaders: headersOf([], [...ofReplies, "lateSince"], anybodys),
};

function headersOf(required: Header[], optional: Header[], others: string): JsonSchema {
  return {
    type: "object",
    required: required.map((key) => headers[key].name),
    properties: Object.fromEntries([...required, ...optional].map((key) => [headers[key].name, headers[key].schema])),
    patternProperties: { [others]: {} },
    additionalProperties: false,
  };
}

const identity = (description: string) => Type.String({ description, maxLength: 200, pattern: "^[^/]+/[^/]*/[^/]+$" });
const routingKey = Type.String({
  description: "The event's routing key; a delivery from a retry queue arrives under its queue's name",
  pattern: "^(msg|event|info)\\.[A-Za-z0-9_-]+$",
  maxLength: 255,
});
const contentType = Type.Literal("application/json");

/** AMQP's properties by kind of message, under AMQP's own names: AsyncAPI has no place for them but an extension. */
export const propertySchemas = {
  eventProperties: Type.Object(
    {
      content_type: contentType,
      delivery_mode: Type.Literal(2, { description: "Persistent" }),
      message_id: identity("The push's identity, the same for all of WeChat's tries: compare it to tell a repeat"),
      correlation_id: identity("The same identity, for the reply"),
      reply_to: Type.Optional(
        Type.String({
          description: "Routing key of the reply in the exchange of replies; absent when nobody waits",
          minLength: 1,
        }),
      ),
      timestamp: Type.Integer({ description: "CreateTime, seconds since 1970", minimum: 0 }),
      type: routingKey,
      app_id: Type.String({ description: "The account's AppID" }),
    },
    { additionalProperties: false },
  ),
  replyProperties: Type.Object({
    correlation_id: identity("That of the event: without it nobody is found who waits"),
    content_type: Type.Optional(Type.String()),
    delivery_mode: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2)])),
    message_id: Type.Optional(Type.String()),
    type: Type.Optional(Type.String({ description: "The event's routing key" })),
  }),
};
