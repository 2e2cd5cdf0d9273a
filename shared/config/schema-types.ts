import { Type, type TSchemaOptions } from "typebox";
import { isAddressOrBlock } from "../address-block.ts";
import { durationPattern, parseDuration } from "./duration.ts";

/**
 * What every setting says of itself, in the words of JSON Schema: `x-must` is the text of the fault when its value is
 * wrong, `writeOnly` marks a secret.
 */
export interface Setting extends TSchemaOptions {
  description: string;
  /** The environment variable that wins over the file. */
  "x-env"?: string;
  "x-must"?: string;
}

/** An object of settings. A setting with a default need not be written, and is always there once the file is read. */
export function settings<P extends Type.TProperties>(properties: P, options: Setting): Type.TObject<P> {
  const object = Type.Object(properties, options);
  const written = (object.required as string[] | undefined)?.filter((key) => !("default" in (properties[key] ?? {})));
  return Object.assign(object, { required: written ?? [] });
}

/** Visible ASCII without white space, as WeChat's own values and URLs are. */
export const visible = "^[!-~]+$";

/** EncodingAESKey: 43 characters of base64, or nothing. */
export function aesKey(options: Setting) {
  const must = 'must be the 43 characters (A-Z a-z 0-9 + /) of EncodingAESKey, or "" for plaintext';
  return Type.String({ pattern: "^([A-Za-z0-9+/]{43})?$", writeOnly: true, default: "", "x-must": must, ...options });
}

/** A route of ours; optional (with the default "") unless `required`. */
export function path(options: Setting & { required?: true }) {
  const { required, ...annotations } = options;
  const must = 'must be only a path such as "/wx": a "/" at the start, no white space, "?", "#", "*" or ":"';
  const pattern = required ? String.raw`^/[^\s?#*:]*$` : String.raw`^(/[^\s?#*:]*)?$`;
  return Type.String({ pattern, "x-must": must, ...(required ? {} : { default: "" }), ...annotations });
}

/** Where to listen. */
export function host(options: Setting) {
  const must = 'must be an address or a host name, or "" for all interfaces';
  return Type.String({ pattern: String.raw`^[\w.:-]*$`, "x-must": must, ...options });
}

/** A port; 0 takes any free one. */
export function port(options: Setting) {
  return Type.Integer({
    minimum: 0,
    maximum: 65_535,
    "x-must": "must be a whole number from 0 to 65535",
    ...options,
  });
}

const httpUrlMust =
  'must be only a URL such as "http://127.0.0.1:8080/wx", with http or https (a % in its password is written %25)';

/** An http or https URL; optional (with the default "") unless `required`. */
export function httpUrl(options: Setting & { required?: true }) {
  const { required, ...annotations } = options;
  const pattern = required ? String.raw`^https?://\S+$` : String.raw`^(https?://\S+)?$`;
  const text = Type.String({ pattern, "x-must": httpUrlMust, ...(required ? {} : { default: "" }), ...annotations });
  return Type.Refine(text, (written) => {
    const url = URL.parse(written);
    return written === "" || (url !== null && [url.username, url.password].every(canDecode));
  });
}

/** An http or https URL that paths are put behind. */
export function baseUrl(options: Setting & { required?: true }) {
  const url = httpUrl({ "x-must": `${httpUrlMust}, no query or fragment`, ...options });
  return Type.Refine(url, (written) => !/[?#]/.test(written));
}

/** The URL of a broker. It holds a password. */
export function amqpUrl(options: Setting) {
  const must =
    "must be a URL such as amqp://user:password@host:5672/vhost, with amqp or amqps, percent-encoded (a % is written " +
    "%25); heartbeat, if there is one, a number of seconds from 0 to 65535";
  const text = Type.String({ pattern: String.raw`^amqps?://\S+$`, writeOnly: true, "x-must": must, ...options });
  return Type.Refine(text, (written) => {
    const url = URL.parse(written);
    if (url === null || ![url.username, url.password, url.pathname].every(canDecode)) return false;
    const heartbeat = url.searchParams.get("heartbeat") ?? "0";
    return /^\d+$/.test(heartbeat) && Number(heartbeat) <= 65_535;
  });
}

/** Tells whether a part of a URL is percent-encoded UTF-8: a bare % makes no sense to who decodes it. */
function canDecode(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** Text in PEM form; a path alone is refused because the file itself is wanted. */
export function pem(options: Setting) {
  const must = 'must be text in PEM form; a file is written as {"file": "path.pem"}';
  return Type.String({ pattern: "-----BEGIN ", "x-must": must, ...options });
}

/** A wait as written ("10s"). RabbitMQ's queues are named for it, therefore it is text and nothing else. */
export function delay(options: Setting & { from: string; to: string }) {
  const { from, to, ...annotations } = options;
  const must = `must be a duration such as "10s" (units ms, s, m, h, d) from ${from} to ${to}`;
  const text = Type.String({ pattern: durationPattern, "x-must": must, ...annotations });
  return Type.Refine(text, (written) => isBetween(written, from, to));
}

/** Milliseconds as a number, or a duration as text. */
export function duration(options: Setting & { from: string; to: string }) {
  const { from, to, ...annotations } = options;
  const must = `must be a whole number of ms or a duration such as "30s" (units ms, s, m, h, d) from ${from} to ${to}`;
  const either = [Type.Integer(), Type.String({ pattern: durationPattern })];
  return Type.Refine(Type.Union(either, { "x-must": must, ...annotations }), (written) => isBetween(written, from, to));
}

function isBetween(written: string | number, from: string, to: string): boolean {
  const ms = parseDuration(written) ?? Number.NaN;
  return ms >= Number(parseDuration(from)) && ms <= Number(parseDuration(to));
}

/** An address or a CIDR, IPv4 or IPv6. */
export function cidr(options: Setting) {
  const must = 'must be an address or a CIDR such as "203.0.113.0/24"; "wechat" stands alone, outside a list';
  return Type.Refine(Type.String({ "x-must": must, ...options }), isAddressOrBlock);
}
