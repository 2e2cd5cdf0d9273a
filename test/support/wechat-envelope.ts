import { parseRecord } from "./json-record.ts";
import { sign, type WechatCrypt } from "./wechat-crypt.ts";
import { parseStrictXml } from "./strict-xml.ts";

/** An answer's text as its user would see it. */
export interface OpenedAnswer {
  opened: string;
  sealed: boolean;
  verified: boolean;
}

/** The first plain value of an element or member, looked up as text; what WeChat repeats outside a sealed body. */
export function peekField(body: string, name: string): string | undefined {
  const xml = new RegExp(`<${name}>\\s*(?:<!\\[CDATA\\[([\\s\\S]*?)\\]\\]>|([^<]*))\\s*</${name}>`).exec(body);
  if (isJson(body)) return new RegExp(`"${name}"\\s*:\\s*"([^"\\\\]*)"`).exec(body)?.[1];
  return xml?.[1] ?? xml?.[2];
}

/** The body of a push in safe mode: `Encrypt` beside ToUserName, or beside AppId for a third-party platform. */
export function wrapSealed(body: string, encrypt: string): string {
  const name = peekField(body, "InfoType") === undefined ? "ToUserName" : "AppId";
  const value = peekField(body, name) ?? "";
  if (isJson(body)) return JSON.stringify({ [name]: value, Encrypt: encrypt });
  return `<xml>\n    <${name}><![CDATA[${value}]]></${name}>\n    <Encrypt><![CDATA[${encrypt}]]></Encrypt>\n</xml>\n`;
}

/** The body of a push in compatible mode: the plain fields untouched, and `Encrypt` as the last one. */
export function wrapCompat(body: string, encrypt: string): string {
  const end = isJson(body) ? body.lastIndexOf("}") : body.lastIndexOf("</xml>");
  if (end < 0) throw new Error("a push in compatible mode needs an object or an <xml> element");
  const field = isJson(body) ? `,"Encrypt":${JSON.stringify(encrypt)}` : `<Encrypt><![CDATA[${encrypt}]]></Encrypt>\n`;
  return body.slice(0, end) + field + body.slice(end);
}

/** Opens a sealed answer and checks its msg_signature; an answer without an envelope is handed back as it is. */
export function openAnswer(body: string, token: string, crypt: WechatCrypt | undefined): OpenedAnswer {
  const envelope = readEnvelope(body);
  if (!envelope) return { opened: body, sealed: false, verified: false };
  if (!crypt) throw new Error("a sealed answer to an account without an EncodingAESKey");
  const { Encrypt = "", MsgSignature, TimeStamp = "", Nonce = "" } = envelope;
  const verified = MsgSignature === sign([token, TimeStamp, Nonce, Encrypt]);
  return { opened: crypt.open(Encrypt), sealed: true, verified };
}

/** True when the body's first character says JSON, which is how WeChat's two formats are told apart. */
export function isJson(body: string): boolean {
  return /^\uFEFF?\s*\{/.test(body);
}

function readEnvelope(body: string): Record<string, string> | undefined {
  if (!/<Encrypt>|"Encrypt"/.test(body)) return undefined;
  const fields = isJson(body)
    ? Object.entries(parseRecord(body))
    : parseStrictXml(body).children.map((child) => [child.name, child.text] as const);
  const envelope = Object.fromEntries(fields.map(([name, value]) => [name, String(value)]));
  return "Encrypt" in envelope ? envelope : undefined;
}
