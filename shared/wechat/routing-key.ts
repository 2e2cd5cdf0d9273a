/** The parts of a push that say what it is. */
export interface PushKind {
  MsgType: string;
  Event: string;
  InfoType: string;
}

/** AMQP's limit for a routing key, in bytes. */
const MAX_BYTES = 255;

/**
 * `msg.<MsgType>`, `event.<Event>` or `info.<InfoType>` (third-party platform), in WeChat's own case, trimmed;
 * what is not `[A-Za-z0-9_-]` becomes `_`, and so does a type that is empty or missing.
 */
export function routingKeyOf({ MsgType, Event, InfoType }: PushKind): string {
  const type = MsgType.trim();
  if (type.toLowerCase() === "event" || (type === "" && Event !== "")) return key("event", Event);
  return type === "" && InfoType !== "" ? key("info", InfoType) : key("msg", type);
}

function key(kind: string, type: string): string {
  const word = type.trim().replaceAll(/[^A-Za-z0-9_-]/g, "_");
  return `${kind}.${word === "" ? "_" : word}`.slice(0, MAX_BYTES);
}

/** The path below msg-proxy-pass that events with this routing key are posted to: `/msg/text`. */
export function pathOf(routingKey: string): string {
  return `/${routingKey.replace(".", "/")}`;
}
