import { randomInt } from "node:crypto";
import { request } from "undici";
import { Failure } from "../shared/failure.ts";
import { createSealer } from "../shared/wechat/sealing.ts";
import { signatureMatches, signatureOf } from "../shared/wechat/signature.ts";
import { formatOf, parseJsonObject } from "../shared/wechat/push.ts";
import { parseXml } from "../shared/wechat/xml.ts";
import { textOf } from "../shared/wechat/push-types.ts";

export interface PlayerOptions {
  url: string;
  token: string;
  aesKey?: string;
  appId?: string;
}

export interface PlayedAnswer {
  status: number;
  /** The answer's text, unsealed. */
  opened: string;
  wasSealed: boolean;
  /** From the first byte sent to the last one received. */
  ms: number;
}

/** Milliseconds that an answer may take: longer than WeChat waits, so that a late one is seen as late. */
export const PATIENCE = 15_000;

/** Posts pushes as WeChat's servers do, in safe mode when there is a key. */
export function createPlayer({ url, token, aesKey, appId = "" }: PlayerOptions) {
  const sealer = aesKey === undefined ? undefined : createSealer(aesKey);

  async function push(body: string, openid: string): Promise<PlayedAnswer> {
    const target = new URL(url);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const nonce = String(randomInt(1_000_000_000));
    const signed = { signature: signatureOf(token, timestamp, nonce), timestamp, nonce, openid };
    for (const [name, value] of Object.entries(signed)) target.searchParams.set(name, value);
    const sent = sealer === undefined ? body : envelope(body, timestamp, nonce, target.searchParams);
    const startedAt = performance.now();
    const answer = await request(target, { method: "POST", body: sent, signal: AbortSignal.timeout(PATIENCE) });
    const text = await answer.body.text();
    const ms = Math.round(performance.now() - startedAt);
    return { status: answer.statusCode, ...open(text, timestamp, nonce), ms };
  }

  function envelope(body: string, timestamp: string, nonce: string, query: URLSearchParams): string {
    const encrypt = sealer?.seal(body, appId) ?? "";
    query.set("encrypt_type", "aes");
    query.set("msg_signature", signatureOf(token, timestamp, nonce, encrypt));
    if (formatOf(Buffer.from(body)) === "json") return JSON.stringify({ Encrypt: encrypt });
    return `<xml>\n<Encrypt><![CDATA[${encrypt}]]></Encrypt>\n</xml>`;
  }

  /** Throws a `Failure` when a sealed answer does not verify: WeChat would show the user an error. */
  function open(text: string, timestamp: string, nonce: string): { opened: string; wasSealed: boolean } {
    const sealed = sealer === undefined ? undefined : readEnvelope(text);
    if (sealer === undefined || sealed === undefined) return { opened: text, wasSealed: false };
    if (!signatureMatches(sealed.signature, token, timestamp, nonce, sealed.encrypt)) {
      throw new Failure("MSG_SIGNATURE_MISMATCH", "its MsgSignature does not verify");
    }
    return { opened: sealer.open(sealed.encrypt).content.toString("utf8"), wasSealed: true };
  }

  return { push };
}

function readEnvelope(text: string): { encrypt: string; signature: string } | undefined {
  if (!text.startsWith("<xml>") && !text.startsWith("{")) return undefined;
  const fields = text.startsWith("<") ? parseXml(text) : parseJsonObject(text);
  const read = (name: string) => (typeof fields[name] === "string" ? textOf(fields[name]) : "");
  return read("Encrypt") === "" ? undefined : { encrypt: read("Encrypt"), signature: read("MsgSignature") };
}
