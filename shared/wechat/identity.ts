import { hash } from "node:crypto";
import { createMemo } from "../memo.ts";
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
  const { service, FromUserName } = push;
  const id = idOf(push);
  const parts = [service, FromUserName, id];
  const encoded = [encodeService(service), encode(FromUserName), encode(id)];
  let identity = encoded.join("/");
  for (let i = parts.length - 1; identity.length > MAX_BYTES && i >= 0; i--) {
    encoded[i] = hash("sha256", parts[i] as string, "base64url"); // which needs no encoding
    identity = encoded.join("/");
  }
  return identity;
}

/** SHA-256 in base64url: what an identity holds in the place of a part that is too long. */
const digestPattern = /^[A-Za-z0-9_-]{43}$/;

/**
 * The account and the user in an identity. `FromUserName` is undefined when there is none or its digest alone;
 * the whole is undefined when the text is no identity.
 */
export function readIdentity(identity: string): { service: string; FromUserName: string | undefined } | undefined {
  const parts = identity.split("/");
  if (parts.length !== 3) return undefined;
  try {
    const [service = "", FromUserName = "", id = ""] = parts.map(decodeURIComponent);
    const isDigest = digestPattern.test(FromUserName) && digestPattern.test(id);
    return { service, FromUserName: isDigest || FromUserName === "" ? undefined : FromUserName };
  } catch {
    return undefined; // not percent-encoded
  }
}

function idOf({ MsgType, Event, InfoType, MsgId, CreateTime, opened }: IdentityParts): string {
  const isMessage = MsgType.trim() !== "" && MsgType.trim().toLowerCase() !== "event";
  if (isMessage && MsgId !== "") return MsgId;
  const digest = hash("sha256", opened, "base64url").slice(0, 22);
  return `${CreateTime}.${Event || InfoType || MsgType}.${digest}`;
}

/** Names of services, which come in each push and are few; what else a push says is not kept. */
const encodeService = createMemo(Infinity, encode);

/** Percent-encodes what is outside `[A-Za-z0-9._~-]`, byte by byte. */
function encode(part: string): string {
  if (/^[A-Za-z0-9._~-]*$/.test(part)) return part;
  return encodeURIComponent(part.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
