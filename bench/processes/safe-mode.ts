/** Safe mode as shortly as it can be written with fast-xml-parser: what the yardsticks "with crypto" add to the bare ones. */
import { createCipheriv, createDecipheriv, createSecretKey, hash, randomBytes } from "node:crypto";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { account } from "../support/account.ts";

export type Fields = Partial<Record<string, string>>;
const { token, appId } = account;
const bytesOfKey = Buffer.from(account.aesKey, "base64");
const iv = bytesOfKey.subarray(0, 16);
// made into a KeyObject anew for every cipher, the bytes would cost several times what the cipher itself does
const key = createSecretKey(bytesOfKey);
const parser = new XMLParser({ parseTagValue: false, trimValues: false, processEntities: false });

/** Two signatures checked, envelope and content validated and parsed, AES: the push's fields. */
export function openPush({ signature, timestamp = "", nonce = "", msg_signature }: Fields, body: Buffer): Fields {
  if (sign(token, timestamp, nonce) !== signature) throw new Error("signature");
  const { Encrypt = "" } = parse(body.toString());
  if (sign(token, timestamp, nonce, Encrypt) !== msg_signature) throw new Error("msg_signature");
  const plain = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false).update(Encrypt, "base64");
  const end = 20 + plain.readUInt32BE(16);
  if (plain.toString("utf8", end, plain.length - (plain.at(-1) ?? 0)) !== appId) throw new Error("AppID");
  return parse(plain.toString("utf8", 20, end));
}

/** A push as backends get it. */
export const jsonOf = (push: Fields): string => JSON.stringify({ ...push, CreateTime: Number(push["CreateTime"]) });

/** The backend's JSON answer as a passive reply: rendered, AES, one signature made. */
export function sealReply(answer: string, push: Fields, { timestamp = "", nonce = "" }: Fields): string {
  const { msg } = JSON.parse(answer) as { msg: string };
  const encrypt = encryptText(`<xml><ToUserName><![CDATA[${push["FromUserName"]}]]></ToUserName>
<FromUserName><![CDATA[${push["ToUserName"]}]]></FromUserName>
<CreateTime>${Math.floor(Date.now() / 1000)}</CreateTime>
<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[${msg}]]></Content></xml>`);
  return `<xml><Encrypt><![CDATA[${encrypt}]]></Encrypt>
<MsgSignature><![CDATA[${sign(token, timestamp, nonce, encrypt)}]]></MsgSignature>
<TimeStamp>${timestamp}</TimeStamp><Nonce><![CDATA[${nonce}]]></Nonce></xml>`;
}

const sign = (...parts: string[]): string => hash("sha1", parts.sort().join(""));

function parse(text: string): Fields {
  if (XMLValidator.validate(text) !== true) throw new Error("malformed");
  return (parser.parse(text) as { xml: Fields }).xml;
}

function encryptText(text: string): string {
  const head = randomBytes(20);
  head.writeUInt32BE(Buffer.byteLength(text), 16);
  const bytes = Buffer.concat([head, Buffer.from(text + appId)]);
  const pad = 32 - (bytes.length % 32);
  const padded = Buffer.concat([bytes, Buffer.alloc(pad, pad)]);
  return createCipheriv("aes-256-cbc", key, iv).setAutoPadding(false).update(padded).toString("base64");
}
