import { kinds, type EventKey } from "../wechat/kinds/kinds.ts";
import { eventKeys } from "./event-schemas.ts";

type Message = Record<string, unknown>;

const schema = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** Names of the messages that are events, under which channels list them. */
export const eventMessages: readonly string[] = [...eventKeys, "other"];

/** Every message of the contract by name. */
export function createMessages(): Record<string, Message> {
  return {
    ...Object.fromEntries(eventKeys.map((key) => [key, eventMessage(key)])),
    other: {
      name: "other",
      title: "Any other event",
      summary: "A kind that this document does not name; its routing key is made like the others'",
      ...parts("eventHeaders", "eventProperties", "other"),
    },
    retry: {
      name: "retry",
      title: "Retry copy",
      summary: "An event whose delivery failed; its routing key is the queue it returns to",
      ...parts("retryHeaders", "eventProperties", "event"),
    },
    deadLetter: {
      name: "deadLetter",
      title: "Dead letter",
      summary:
        "A delivery that was given up, with its own identity, type and body. What a stranger published and is poison may lack headers",
      ...parts("deadLetterHeaders", "eventProperties", "event"),
    },
    reply: {
      name: "reply",
      title: "Reply",
      summary: "What WeChat is answered with; the first reply wins. Without anything to say, do not reply",
      ...parts("replyHeaders", "replyProperties", "reply"),
    },
    lateReply: {
      name: "lateReply",
      title: "Late reply",
      summary: "A reply that missed the answer",
      ...parts("lateReplyHeaders", "replyProperties", "reply"),
    },
  };
}

function eventMessage(key: EventKey): Message {
  const { title, description } = kinds[key] as { title?: string; description?: string };
  return {
    name: key,
    title,
    summary: description,
    ...parts("eventHeaders", "eventProperties", key),
    bindings: { amqp: { messageType: key, bindingVersion: "0.3.0" } },
  };
}

function parts(headers: string, properties: string, payload: string): Message {
  return {
    contentType: "application/json",
    headers: schema(headers),
    payload: schema(payload),
    "x-properties": schema(properties),
  };
}
