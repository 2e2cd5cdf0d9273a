import { escapeControls } from "../escape-controls.ts";
import { Failure } from "../failure.ts";
import { isRecord } from "../is-record.ts";
import { identityOf } from "./identity.ts";
import { eventFields, textOf } from "./push-types.ts";
import { routingKeyOf } from "./routing-key.ts";
import { parseXml, type XmlElement } from "./xml.ts";

export type PushFormat = "xml" | "json";

const SPACE = 0x20;
const LESS_THAN = 0x3c;
const OPENING_BRACE = 0x7b;
const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/** One push, verified and opened, as the rest of the bridge sees it. */
export interface Push {
  service: string;
  /** The same for every try WeChat makes of this push. */
  identity: string;
  routingKey: string;
  /** The format of the opened text, which the passive reply must share. */
  format: PushFormat;
  ToUserName: string;
  FromUserName: string;
  /** Seconds since 1970; 0 when WeChat sent none, or none that can be. */
  CreateTime: number;
  /** The event as JSON text, as backends and AMQP consumers get it. */
  json: string;
}

/** Fields that routing and identity need, as text, digits intact. */
interface Head {
  ToUserName: string;
  FromUserName: string;
  CreateTime: string;
  MsgType: string;
  Event: string;
  InfoType: string;
  MsgId: string;
}

/** XML or JSON, told from the first character and never from Content-Type. Throws `MALFORMED_PUSH` for neither. */
export function formatOf(body: Buffer): PushFormat {
  const first = withoutByteOrderMark(body).find((byte) => byte > SPACE);
  if (first === LESS_THAN) return "xml";
  if (first === OPENING_BRACE) return "json";
  throw new Failure("MALFORMED_PUSH", "the body is neither XML nor a JSON object");
}

/** Reads the opened body of a push for `service`. Throws `MALFORMED_PUSH` when it is neither XML nor JSON. */
export function parsePush(opened: Buffer, service: string): Push {
  const body = withoutByteOrderMark(opened);
  return formatOf(body) === "xml" ? parseXmlPush(body, opened, service) : parseJsonPush(body, opened, service);
}

/**
 * Reads a push in compat mode (兼容模式) by its plaintext. The sealed half beside it is left out: WeChat seals each try
 * anew, and what differs from try to try would make each a push of its own.
 */
export function parseCompatPush(body: Buffer, service: string): Push {
  const text = withoutByteOrderMark(body);
  return formatOf(text) === "xml" ? parseXmlPush(text, undefined, service) : parsePush(withoutEncrypt(text), service);
}

/** The member `Encrypt`, with a comma beside it; no text inside a JSON string looks like it, as its quotes are escaped. */
const encryptMember = /,\s*"Encrypt"\s*:\s*"(?:[^"\\]|\\.)*"|"Encrypt"\s*:\s*"(?:[^"\\]|\\.)*"\s*,?/;

function withoutEncrypt(json: Buffer): Buffer {
  return Buffer.from(json.toString("utf8").replace(encryptMember, ""));
}

/** The bytes behind a byte order mark, or all of them. */
export function withoutByteOrderMark(body: Buffer): Buffer {
  return body[0] === BYTE_ORDER_MARK[0] && body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? body.subarray(BYTE_ORDER_MARK.length)
    : body;
}

/** `opened` is what the identity is made from; in compat mode (undefined) the event itself. */
function parseXmlPush(body: Buffer, opened: Buffer | undefined, service: string): Push {
  const sent = parseXml(body);
  if (opened === undefined) delete sent["Encrypt"];
  const head = headOf(sent);
  const routingKey = routingKeyOf(head);
  const json = JSON.stringify(eventFields(routingKey, sent));
  return toPush("xml", head, routingKey, json, opened ?? Buffer.from(json), service);
}

/** A JSON push is passed on as it is; only the head is read, so no number ever loses a digit. */
function parseJsonPush(body: Buffer, opened: Buffer, service: string): Push {
  const { text, sent } = readJsonPush(body.toString("utf8"));
  const head = headOf(sent as XmlElement);
  return toPush("json", head, routingKeyOf(head), text, opened, service);
}

/** A control character that a user wrote and WeChat left as it is costs its escape, not the push. */
function readJsonPush(text: string): { text: string; sent: Record<string, unknown> } {
  try {
    return { text, sent: parseJsonObject(text) };
  } catch (error) {
    const escaped = escapeControls(text);
    if (escaped === text) throw error;
    return { text: escaped, sent: parseJsonObject(escaped) };
  }
}

/** Parses the object; numbers are their source text. Throws `MALFORMED_PUSH`. */
export function parseJsonObject(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text, keepDigits);
  } catch {
    parsed = undefined; // V8's words quote the content
  }
  if (isRecord(parsed)) return parsed;
  throw new Failure("MALFORMED_PUSH", "the body is not a JSON object");
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" ? (context?.source ?? String(value)) : value;
}

function headOf(sent: XmlElement): Head {
  return {
    ToUserName: textOf(sent["ToUserName"]),
    FromUserName: textOf(sent["FromUserName"]),
    CreateTime: textOf(sent["CreateTime"]),
    MsgType: textOf(sent["MsgType"]),
    Event: textOf(sent["Event"]),
    InfoType: textOf(sent["InfoType"]),
    MsgId: textOf(sent["MsgId"]),
  };
}

function toPush(
  format: PushFormat,
  head: Head,
  routingKey: string,
  json: string,
  opened: Buffer,
  service: string,
): Push {
  return {
    service,
    identity: identityOf({ ...head, service, opened }),
    routingKey,
    format,
    ToUserName: head.ToUserName,
    FromUserName: head.FromUserName,
    CreateTime: secondsOf(head.CreateTime),
    json,
  };
}

/** A timestamp of AMQP has no sign and 64 bits: what cannot be one would keep the push out of every queue. */
function secondsOf(CreateTime: string): number {
  const seconds = Number.parseInt(CreateTime, 10);
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds : 0;
}
