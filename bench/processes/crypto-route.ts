/**
 * `crypto-route.ts <backend port>`: the second yardstick. The bare route with what WeChat's safe mode cannot do without:
 * two signatures checked, envelope and content validated and parsed by fast-xml-parser, AES both ways, one signature made.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hash, randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import Fastify from "fastify";
import { Pool } from "undici";
import { account } from "../support/account.ts";
import { serveParent } from "./parent.ts";

type Fields = Record<string, string>;

const { token, appId } = account;
const bytesOfKey = Buffer.from(account.aesKey, "base64");
const iv = bytesOfKey.subarray(0, 16);
// made into a KeyObject anew for every cipher, the bytes would cost several times what the cipher itself does
const key = createSecretKey(bytesOfKey);
const parser = new XMLParser({ parseTagValue: false, trimValues: false, processEntities: false });
const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`);
const app = Fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

app.post("/wx", async (request, reply) => {
  const { signature, timestamp = "", nonce = "", msg_signature } = request.query as Partial<Fields>;
  if (sign(token, timestamp, nonce) !== signature) throw new Error("signature");
  const { Encrypt = "" } = parse((request.body as Buffer).toString());
  if (sign(token, timestamp, nonce, Encrypt) !== msg_signature) throw new Error("msg_signature");
  const push = parse(open(Encrypt));
  const answer = await pool.request({
    path: `/msg/${push["MsgType"]}`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...push, CreateTime: Number(push["CreateTime"]) }),
  });
  const { msg } = (await answer.body.json()) as { msg: string };
  const encrypt = seal(`<xml>
<ToUserName><![CDATA[${push["FromUserName"]}]]></ToUserName>
<FromUserName><![CDATA[${push["ToUserName"]}]]></FromUserName>
<CreateTime>${Math.floor(Date.now() / 1000)}</CreateTime>
<MsgType><![CDATA[text]]></MsgType>
<Content><![CDATA[${msg}]]></Content>
</xml>`);
  return reply.type("text/xml; charset=utf-8").send(`<xml>
<Encrypt><![CDATA[${encrypt}]]></Encrypt>
<MsgSignature><![CDATA[${sign(token, timestamp, nonce, encrypt)}]]></MsgSignature>
<TimeStamp>${timestamp}</TimeStamp>
<Nonce><![CDATA[${nonce}]]></Nonce>
</xml>`);
});

function sign(...parts: string[]): string {
  return hash("sha1", parts.sort().join(""));
}

function parse(text: string): Fields {
  if (XMLValidator.validate(text) !== true) throw new Error("malformed");
  return (parser.parse(text) as { xml: Fields }).xml;
}

function open(sealed: string): string {
  const decipher = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
  const plain = Buffer.concat([decipher.update(Buffer.from(sealed, "base64")), decipher.final()]);
  const end = 20 + plain.readUInt32BE(16);
  if (plain.toString("utf8", end, plain.length - (plain.at(-1) ?? 0)) !== appId) throw new Error("AppID");
  return plain.toString("utf8", 20, end);
}

function seal(text: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  const bytes = Buffer.concat([randomBytes(16), length, Buffer.from(text + appId)]);
  const pad = 32 - (bytes.length % 32);
  const cipher = createCipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(bytes), cipher.update(Buffer.alloc(pad, pad)), cipher.final()]).toString(
    "base64",
  );
}

await app.listen({ host: "127.0.0.1", port: 0 });
serveParent((app.server.address() as AddressInfo).port, () => ({}));
