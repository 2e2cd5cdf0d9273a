import { pathOf } from "../wechat/routing-key.ts";
import { eventKeys } from "./event-schemas.ts";
import { header, ref, type Part } from "./openapi-parts.ts";

/** Headers of every event POST, by their name among the components. */
export const eventHeaders: Record<string, Part> = {
  EventId: header("X-Wx-Event-Id", "The event's identity, the same for every try: tells a repeat"),
  Service: header("X-Wx-Service", "The service name, percent-encoded"),
  Attempt: header("X-Wx-Attempt", "1 for the first try"),
  Deadline: header("X-Wx-Deadline", "Until when a reply reaches the user, epoch ms"),
  Traceparent: header("traceparent", "W3C Trace Context", false),
  WebhookId: header("webhook-id", "With `webhook-secret`: the identity (Standard Webhooks)", false),
  WebhookTimestamp: header("webhook-timestamp", "With `webhook-secret`: seconds since 1970", false),
  WebhookSignature: header("webhook-signature", "With `webhook-secret`: `v1,` and the base64 of an HMAC-SHA256", false),
};

/** What a backend may answer, by name among the components. */
export const backendAnswers: Record<string, Part> = {
  Taken: {
    description:
      "Taken. The body is the reply to the user; without `type` it is text, and an empty body or no `msg` says nothing to the user",
    content: { "application/json": { schema: ref("schemas", "Reply") } },
  },
  NotHandled: { description: "This kind is not handled: `success`, and what `unhandled` says" },
  Retried: { description: "Tried again, on the ladder of `retry`" },
  Followed: { description: "The same request goes to the Location" },
  GivenUp: { description: "The event goes to the dead letters" },
};

const statuses: Record<keyof typeof backendAnswers, string[]> = {
  Taken: ["2XX"],
  NotHandled: ["404", "405", "410", "501"],
  Retried: ["408", "425", "429", "5XX"],
  Followed: ["307", "308"],
  GivenUp: ["3XX", "4XX"],
};
const responses: Part = Object.fromEntries(
  Object.entries(statuses).flatMap(([name, codes]) => codes.map((code) => [code, ref("responses", name)])),
);

/** One POST for each kind of event that is known by name, by its path below `msg-proxy-pass`, and one for others. */
export const eventWebhooks: Part = {
  ...Object.fromEntries(eventKeys.map((key) => [pathOf(key).slice(1), eventPost(key, pathOf(key))])),
  other: eventPost("other", "/msg/<MsgType>, /event/<Event> or /info/<InfoType>"),
};

function eventPost(schema: string, path: string): Part {
  return {
    post: {
      tags: ["Backends"],
      operationId: schema,
      summary: `POST <msg-proxy-pass>${path}`,
      parameters: Object.keys(eventHeaders).map((name) => ref("parameters", name)),
      requestBody: {
        required: true,
        content: { "application/json; charset=UTF-8": { schema: ref("schemas", schema) } },
      },
      responses,
    },
  };
}
