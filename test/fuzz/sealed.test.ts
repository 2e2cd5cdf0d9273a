import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { createPushOpener, type PushOpener, type Query } from "../../gateway/open-push.ts";
import { isFailure } from "../../shared/failure.ts";
import { aesKey, appId } from "../gateway/echo-bridge.ts";
import { configOf, file } from "../shared/config/sample-config.ts";
import { sign } from "../support/wechat-crypt.ts";
import { check } from "./check.ts";
import { hostileJson } from "./hostile-json.ts";
import { hostileXml, spoilt } from "./hostile-xml.ts";

const token = "TokenOfFuzz";
const key = Buffer.from(aesKey, "base64");
const timestamp = String(Math.floor(Date.now() / 1000));

async function openerOf(params: object, settings: object = {}): Promise<PushOpener> {
  const config = await configOf(file({ "wx-params": { token, "app-id": appId, ...params }, ...settings }));
  return createPushOpener(config.accounts[0]!);
}
const safe = await openerOf({ "aes-key": aesKey });
const plain = await openerOf({});
const both = await openerOf({ "aes-key": aesKey }, { "allow-plaintext": true });

/** Opens it, or the failure's code; anything else that is thrown is a bug. */
function open(opener: PushOpener, query: Query, body: Buffer | string): string {
  try {
    return opener.open(query, Buffer.from(body)).push.json;
  } catch (error) {
    assert.ok(isFailure(error), String(error));
    assert.ok([400, 403].includes(error.status), error.code);
    return error.code;
  }
}

interface Plain {
  content: Buffer;
  id: string;
  /** What is added to the stated length and to the padding's bytes. */
  lie: number;
  pad: number;
  flips: [number, number][];
}

function seal({ content, id, lie, pad, flips }: Plain): string {
  const head = Buffer.concat([randomBytes(16), Buffer.alloc(4)]);
  head.writeUInt32BE((content.length + lie) >>> 0, 16);
  const bytes = Buffer.concat([head, content, Buffer.from(id)]);
  const count = 32 - (bytes.length % 32);
  const cipher = createCipheriv("aes-256-cbc", key, key.subarray(0, 16)).setAutoPadding(false);
  const sealed = Buffer.concat([
    cipher.update(bytes),
    cipher.update(Buffer.alloc(count, (count + pad) & 255)),
    cipher.final(),
  ]);
  for (const [at, byte] of flips) sealed[at % sealed.length]! ^= byte;
  return sealed.toString("base64");
}

function sealedQuery(Encrypt: string): Query {
  const nonce = "n";
  const msg_signature = sign([token, timestamp, nonce, Encrypt]);
  return { signature: sign([token, timestamp, nonce]), timestamp, nonce, encrypt_type: "aes", msg_signature };
}

const honest = { id: appId, lie: 0, pad: 0, flips: [] };
const text = fc.string({ unit: "binary", maxLength: 300 }).filter((given) => given.isWellFormed());

test("a sealed text comes out as it went in, in XML and JSON envelopes", async () => {
  await check(
    fc.property(text, fc.boolean(), (Content, inJson) => {
      const Encrypt = seal({ ...honest, content: Buffer.from(JSON.stringify({ MsgType: "text", Content })) });
      const body = inJson ? JSON.stringify({ Encrypt }) : `<xml><Encrypt><![CDATA[${Encrypt}]]></Encrypt></xml>`;
      assert.equal(JSON.parse(open(safe, sealedQuery(Encrypt), body)).Content, Content);
    }),
    500,
  );
});

test("a ciphertext, padding, length or AppID that was changed never opens", async () => {
  const flip = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
  const change = fc.oneof(
    fc.record({
      lie: fc.oneof(fc.constantFrom(1, -1, 2 ** 31, 2 ** 32 - 1), fc.integer()).filter((lie) => (lie | 0) !== 0),
    }),
    fc.record({ pad: fc.integer({ min: 1, max: 255 }) }),
    fc.record({ id: fc.string().filter((id) => id !== appId) }),
    fc.record({ flips: fc.array(flip, { minLength: 1, maxLength: 3 }) }),
  );
  await check(
    fc.property(text, change, (Content, changed) => {
      const content = Buffer.from(JSON.stringify({ MsgType: "text", Content }));
      const Encrypt = seal({ ...honest, content, ...changed });
      const outcome = open(safe, sealedQuery(Encrypt), `<xml><Encrypt>${Encrypt}</Encrypt></xml>`);
      // CBC has no checksum: a flip may spoil one block of the content alone. The signature is what forbids it.
      if (!("flips" in changed)) assert.match(outcome, /^(UNDECRYPTABLE|APPID_MISMATCH|MALFORMED_PUSH)$/);
      const signedBefore = sealedQuery(seal({ ...honest, content }));
      assert.equal(open(safe, signedBefore, `<xml><Encrypt>${Encrypt}</Encrypt></xml>`), "MSG_SIGNATURE_MISMATCH");
    }),
    500,
  );
});

const odd = fc.oneof(fc.constantFrom("", "aes", "raw", "AES", "0", timestamp, "1e9", "-1", "__proto__"), fc.string());
const query = fc.dictionary(
  fc.constantFrom("signature", "timestamp", "nonce", "encrypt_type", "msg_signature", "openid", "__proto__"),
  odd,
) as fc.Arbitrary<Query>;
const body = fc.oneof(
  spoilt(hostileXml),
  spoilt(hostileJson),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

test("no query and no body opens anything unsigned, nor makes anything but a failure of the table", async () => {
  await check(
    fc.property(query, body, (given, sent) => {
      for (const opener of [safe, plain, both]) assert.match(open(opener, given, sent), /^[A-Z_]+$/);
    }),
    500,
  );
});

test("signed nonsense, sealed and in compat mode, is a push or a failure of the table", async () => {
  await check(
    fc.property(query, body, fc.boolean(), (given, sent, isSealed) => {
      const Encrypt = isSealed ? seal({ ...honest, content: sent }) : sent.toString("base64");
      const compat = `${sent.toString().replace(/<\/xml>[^<]*$/, "")}<Encrypt>${Encrypt}</Encrypt></xml>`;
      const signed = { ...given, ...sealedQuery(Encrypt) };
      for (const opener of [safe, plain, both]) {
        open(opener, signed, `<xml><Encrypt>${Encrypt}</Encrypt></xml>`);
        open(opener, signed, compat);
        open(opener, { ...signed, encrypt_type: given["encrypt_type"] }, sent);
      }
    }),
    120,
  );
});
