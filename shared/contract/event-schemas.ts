import { Type } from "typebox";
import { infos } from "../wechat/kinds/infos.ts";
import { kinds, namesUnlikeKeys, type EventKey } from "../wechat/kinds/kinds.ts";
import { appended } from "../wechat/kinds/user-info.ts";

/** A JSON Schema as it stands in a document. */
export type JsonSchema = object;

export const eventKeys = Object.keys(kinds) as EventKey[];

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const userInfo = { userInfo: ref("userInfo"), userInfoError: ref("userInfoError") };

/**
 * Payloads of events by name of the component: one for each routing key, `other` for any other key, `event`
 * for any of them. Exactly one of them fits a push, since MsgType, Event and InfoType tell which.
 */
export function eventSchemas(): Record<string, JsonSchema> {
  return {
    event: { description: "Any event", oneOf: [...eventKeys, "other"].map(ref) },
    ...Object.fromEntries(eventKeys.map((key) => [key, eventSchema(key)])),
    other: {
      title: "Any other event",
      description: "A kind that this document does not name, with everything WeChat sent",
      type: "object",
      not: { anyOf: (["msg", "event", "info"] as const).map((group) => telling(group, eventKeys.filter(isOf(group)))) },
      anyOf: [ref("jsonPush")],
    },
    jsonPush: { ...jsonPush, properties: { ...jsonPush.properties, ...userInfo } },
    userInfo: appended.userInfo,
    userInfoError: appended.userInfoError,
  };
}

/** A push as an account that is set to JSON gets it from WeChat: on to consumers to the byte. */
const jsonPush = Type.Object(
  Object.fromEntries(
    ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "InfoType", "MsgId"].map((name) => [
      name,
      Type.Optional(
        ["CreateTime", "MsgId"].includes(name) ? Type.Union([Type.Integer(), Type.String()]) : Type.String(),
      ),
    ]),
  ),
  {
    title: "As WeChat wrote it in JSON",
    description:
      "A push of an account that is set to JSON, passed on to the byte: the same names, nothing filled in, ids may be numbers above 2^53",
    additionalProperties: true,
  },
);

function eventSchema(key: EventKey): JsonSchema {
  const { title, description, properties, required } = kinds[key] as unknown as {
    title: string;
    description: string;
    properties: object;
    required: string[];
  };
  const documented = {
    title: key,
    type: "object",
    required,
    properties: { ...properties, ...userInfo },
    additionalProperties: true,
  };
  return {
    title,
    description,
    ...telling(groupOf(key), [key]),
    anyOf: Object.hasOwn(infos, key) ? [documented] : [documented, ref("jsonPush")],
  };
}

type Group = "msg" | "event" | "info";

function groupOf(key: string): Group {
  return key.slice(0, key.indexOf(".")) as Group;
}

function isOf(group: Group): (key: string) => boolean {
  return (key) => groupOf(key) === group;
}

/** What tells pushes with these keys from others: WeChat's own words, which may have blanks round them. */
function telling(group: Group, keys: EventKey[]): JsonSchema {
  const words = keys.map((key) => namesUnlikeKeys[key] ?? key.slice(group.length + 1)).join("|");
  const none = pattern("");
  const [name, properties] = {
    msg: ["MsgType", { MsgType: pattern(words) }] as const,
    event: ["Event", { MsgType: pattern("[Ee][Vv][Ee][Nn][Tt]|"), Event: pattern(words) }] as const,
    info: ["InfoType", { MsgType: none, Event: none, InfoType: pattern(words) }] as const,
  }[group];
  return { type: "object", required: [name], properties };
}

function pattern(words: string): JsonSchema {
  return { type: "string", pattern: `^\\s*(${words})\\s*$` };
}
