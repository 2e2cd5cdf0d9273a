import { hash } from "node:crypto";
import type { PushKind } from "./routing-key.ts";

/** What an identity is made from; `opened` is the push's body after decryption. */
export interface IdentityParts extends PushKind {
  service: string;
  FromUserName: string;
  CreateTime: string;
  MsgId: string;
  opened: Buffer;
}

const MAX_BYTES = 200;

/**
 * Names one push: the same for every try WeChat makes, different for any two pushes.
 * `<service>/<FromUserName>/<id>`; id is MsgId for messages and `CreateTime.Event.<digest of the body>` for events,
 * since events carry no id and two of one user may share a second. At most 200 bytes: parts are replaced by their
 * SHA-256 in base64url, the last one first, until it fits.
 */
export function identityOf(push: IdentityParts): string {
  const parts = [push.service, push.FromUserName, idOf(push)];
  let identity = parts.map(encode).join("/");
  for (let i = parts.length - 1; identity.length > MAX_BYTES && i >= 0; i--) {
    parts[i] = hash("sha256", parts[i] as string, "base64url");
    identity = parts.map(encode).join("/");
  }
  return identity;
}

function idOf({ MsgType, Event, InfoType, MsgId, CreateTime, opened }: IdentityParts): string {
  const isMessage = MsgType.trim() !== "" && MsgType.trim().toLowerCase() !== "event";
  if (isMessage && MsgId !== "") return MsgId;
  const digest = hash("sha256", opened, "base64url").slice(0, 22);
  return `${CreateTime}.${Event || InfoType || MsgType}.${digest}`;
}

/** Percent-encodes what is outside `[A-Za-z0-9._~-]`, byte by byte. */
function encode(part: string): string {
  if (/^[A-Za-z0-9._~-]*$/.test(part)) return part;
  return encodeURIComponent(part.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
