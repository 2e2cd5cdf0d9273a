import assert from "node:assert/strict";
import { test } from "node:test";
import { createPushOpener, type Query } from "../../gateway/open-push.ts";
import { createCrypt, sign } from "../support/wechat-crypt.ts";
import { accountOf, secrets, serviceWithParams } from "../shared/config/sample-config.ts";

const { token, aesKey } = secrets;
const appId = "wx1234567890abcdef";
const stamp = "1714112445";
const nonce = "415670741";
const text = "<xml><FromUserName>o1</FromUserName><MsgType>text</MsgType><MsgId>7</MsgId></xml>";

const now = () => 1_714_112_445_000;
const sealing = createPushOpener(await accountOf({ timeout: 60 }), now);
const plain = createPushOpener(await accountOf({ timeout: 60, ...serviceWithParams({ "aes-key": "" }) }), now);
const crypt = createCrypt({ aesKey, appId });

const signed = (changes: Query = {}): Query => ({
  signature: sign([token, stamp, nonce]),
  timestamp: stamp,
  nonce,
  ...changes,
});
const safe = (encrypt: string): Query =>
  signed({ encrypt_type: "aes", msg_signature: sign([token, stamp, nonce, encrypt]) });
const envelope = (encrypt: string) =>
  `<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[${encrypt}]]></Encrypt></xml>`;

type Refusal = [name: string, query: Query, body: string, code: string, status: number, message: string];

const argument = ["ARGUMENT_MISSING", 400, "argument expected: signature, timestamp and nonce"] as const;
const mismatch = ["SIGNATURE_MISMATCH", 400, "invalid signature"] as const;
const invalid = ["TIMESTAMP_INVALID", 400, "invalid timestamp"] as const;

/** An old query, its signature untouched: what the last digits of the nonce and the timestamp make is ahead of all time. */
const digitsMoved = (digits: number): Query => {
  const old = "1714000000";
  const at = nonce.length - digits;
  return { signature: sign([token, old, nonce]), timestamp: nonce.slice(at) + old, nonce: nonce.slice(0, at) };
};

/** Refused whatever the account's mode, and for the echostr check, too. */
const queries: Refusal[] = [
  ["no query", {}, text, ...argument],
  ["no signature", signed({ signature: undefined }), text, ...argument],
  ["no timestamp", signed({ timestamp: undefined }), text, ...argument],
  ["no nonce", signed({ nonce: undefined }), text, ...argument],
  ["an empty signature", signed({ signature: "" }), text, ...argument],
  ["an empty timestamp", signed({ timestamp: "" }), text, ...argument],
  ["an empty nonce", signed({ nonce: "" }), text, ...argument],
  ["a signature of another token", signed({ signature: sign(["other", stamp, nonce]) }), text, ...mismatch],
  ["a signature in capitals", signed({ signature: sign([token, stamp, nonce]).toUpperCase() }), text, ...mismatch],
  ["another nonce", signed({ nonce: "1" }), text, ...mismatch],
  ["another timestamp", signed({ timestamp: "1714112446" }), text, ...mismatch],
  ["a timestamp of letters", signed({ timestamp: "abc" }), text, ...invalid],
  ["a timestamp with a fraction", signed({ timestamp: "1714112445.5" }), text, ...invalid],
  ["a negative timestamp", signed({ timestamp: "-1" }), text, ...invalid],
  ["a hexadecimal timestamp", signed({ timestamp: "0x1" }), text, ...invalid],
  ["an old timestamp, a digit of the nonce before it", digitsMoved(1), text, ...invalid],
  ["an old timestamp, two digits of the nonce before it", digitsMoved(2), text, ...invalid],
  ["an old timestamp", signed({ timestamp: "1714112384" }), text, "SIGNATURE_EXPIRED", 400, "signature expired"],
];
const method = ["ENCRYPT_TYPE_UNSUPPORTED", 403, "unsupported encrypt_type: WeChat uses aes or raw"] as const;
const types: Refusal[] = ["AES", "rsa", "aes,aes", "__proto__"].map((encrypt_type) => [
  `encrypt_type ${encrypt_type}`,
  signed({ encrypt_type }),
  text,
  ...method,
]);

for (const [name, query, body, code, status, message] of [...queries, ...types]) {
  test(`refused in both modes: ${name}`, () => {
    for (const opener of [sealing, plain]) {
      assert.throws(() => opener.open(query, Buffer.from(body)), { name: "Failure", code, status, message });
    }
  });
}
for (const [name, query, , code, status, message] of queries) {
  test(`the echostr check is refused: ${name}`, () => {
    assert.throws(() => sealing.verify(query), { code, status, message });
  });
}

const right = crypt.seal(text);
const malformed = (message: string) => ["MALFORMED_PUSH", 400, message] as const;
const noEncrypt = malformed("Encrypt not found");
const notOpened = (why: string) =>
  ["UNDECRYPTABLE", 400, `the sealed text cannot be opened with this account's aes-key: ${why}`] as const;
const badSignature = ["MSG_SIGNATURE_MISMATCH", 403, "bad msg_signature"] as const;
const plaintext = ["PLAINTEXT_REFUSED", 403, "plaintext refused: this account has an aes-key (safe mode)"] as const;
const wrongId = ["APPID_MISMATCH", 403, "the push was sealed for another AppID"] as const;
const blocks = "its length is no multiple of a block";
const otherId = createCrypt({ aesKey, appId: "wxOTHER" }).seal(text);
const foo = crypt.seal("<foo/>");
const nothing = crypt.seal("");
const doctype = crypt.seal("<!DOCTYPE xml><xml/>");

const sealedOnes: Refusal[] = [
  ["no msg_signature", { ...safe(right), msg_signature: undefined }, envelope(right), ...badSignature],
  ["an empty msg_signature", { ...safe(right), msg_signature: "" }, envelope(right), ...badSignature],
  ["msg_signature of another text", safe(otherId), envelope(right), ...badSignature],
  [
    "msg_signature in capitals",
    { ...safe(right), msg_signature: (safe(right)["msg_signature"] ?? "").toUpperCase() },
    envelope(right),
    ...badSignature,
  ],
  ["another AppID", safe(otherId), envelope(otherId), ...wrongId],
  ["plaintext", signed(), text, ...plaintext],
  ["plaintext said to be raw", signed({ encrypt_type: "raw" }), text, ...plaintext],
  ["a sealed text without encrypt_type", { ...safe(right), encrypt_type: undefined }, envelope(right), ...plaintext],
  ["no Encrypt", safe(right), text, ...noEncrypt],
  ["an empty Encrypt", safe(""), envelope(""), ...noEncrypt],
  ["elements in Encrypt", safe(right), "<xml><Encrypt><a>1</a></Encrypt></xml>", ...noEncrypt],
  ["null for Encrypt", safe(right), `{"Encrypt":null}`, ...noEncrypt],
  ["an empty body", safe(right), "", ...malformed("the body is neither XML nor a JSON object")],
  ["broken XML", safe(right), "<xml><Encrypt>", ...malformed("the body is not well-formed XML")],
  ["broken JSON", safe(right), `{"Encrypt":`, ...malformed("the body is not a JSON object")],
  ["another root", safe(right), "<foo><Encrypt>a</Encrypt></foo>", ...malformed("the body has no <xml> root element")],
  ["a DOCTYPE round it", safe(right), `<!DOCTYPE xml>${envelope(right)}`, ...malformed("a DOCTYPE is not accepted")],
  ["not base64", safe("!!!!"), envelope("!!!!"), ...notOpened(blocks)],
  ["truncated", safe(right.slice(0, 24)), envelope(right.slice(0, 24)), ...notOpened(blocks)],
  ["another root inside", safe(foo), envelope(foo), ...malformed("the body has no <xml> root element")],
  ["nothing inside", safe(nothing), envelope(nothing), ...malformed("the body is neither XML nor a JSON object")],
  ["a DOCTYPE inside", safe(doctype), envelope(doctype), ...malformed("a DOCTYPE is not accepted")],
];
for (const [name, query, body, code, status, message] of sealedOnes) {
  test(`refused by a sealed account: ${name}`, () => {
    assert.throws(() => sealing.open(query, Buffer.from(body)), { name: "Failure", code, status, message });
  });
}

const noKey = ["ENCRYPT_TYPE_UNSUPPORTED", 403, "sealed push refused: this account has no aes-key"] as const;
const plainOnes: Refusal[] = [
  ["a sealed push", safe(right), envelope(right), ...noKey],
  ["a sealed push in JSON", safe(right), JSON.stringify({ ToUserName: "gh_1", Encrypt: right }), ...noKey],
  ["an empty body", signed(), "", ...malformed("the body is neither XML nor a JSON object")],
  ["garbage", signed(), "garbage", ...malformed("the body is neither XML nor a JSON object")],
  ["another root", signed(), "<foo/>", ...malformed("the body has no <xml> root element")],
  ["a DOCTYPE", signed(), `<!DOCTYPE xml>${text}`, ...malformed("a DOCTYPE is not accepted")],
  ["a JSON array", signed(), "[]", ...malformed("the body is neither XML nor a JSON object")],
];
for (const [name, query, body, code, status, message] of plainOnes) {
  test(`refused by an account without a key: ${name}`, () => {
    assert.throws(() => plain.open(query, Buffer.from(body)), { name: "Failure", code, status, message });
  });
}

test("no random bytes make anything but a failure of the table", () => {
  for (let round = 0; round < 200; round++) {
    const encrypt = Buffer.from(crypto.getRandomValues(new Uint8Array(16 * (round % 8)))).toString("base64");
    for (const body of [envelope(encrypt), encrypt, `{"Encrypt":"${encrypt}"`]) {
      assert.throws(() => sealing.open(safe(encrypt), Buffer.from(body)), { name: "Failure" });
    }
  }
});
