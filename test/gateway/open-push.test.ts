import assert from "node:assert/strict";
import { test } from "node:test";
import { createPushOpener, type OpenedPush, type Query } from "../../gateway/open-push.ts";
import { createCrypt, sign } from "../support/wechat-crypt.ts";
import { wrapCompat, wrapSealed } from "../support/wechat-envelope.ts";
import { accountOf, secrets, serviceWithParams } from "../shared/config/sample-config.ts";
import { vectors } from "../shared/wechat/vectors.ts";

const token: string = secrets.token;
const aesKey: string = secrets.aesKey;
const appId = "wx1234567890abcdef";
const NOW = 1_714_112_445_000;
const stamp = "1714112445";
const nonce = "415670741";
const text =
  "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><MsgId>7</MsgId></xml>";

type Settings = Record<string, unknown>;

async function openerOf(settings: Settings = {}, params: Settings = {}, now = NOW) {
  const account = await accountOf({ timeout: 60, ...serviceWithParams(params), ...settings });
  return createPushOpener(account, () => now);
}
const plainOpener = (settings?: Settings) => openerOf(settings, { "aes-key": "" });

/** The query WeChat signs, for plaintext. */
function signed(changes: Query = {}, by = token): Query {
  const { timestamp = stamp } = changes;
  return { signature: sign([by, timestamp, nonce]), timestamp, nonce, openid: "o1", ...changes };
}

/** A push in safe mode: the envelope and the query that goes with it. */
function sealed(body = text, { by = token, key = aesKey, id = appId, wrap = wrapSealed } = {}): [Query, Buffer] {
  const encrypt = createCrypt({ aesKey: key, appId: id }).seal(body);
  return [safe(encrypt, by), Buffer.from(wrap(body, encrypt))];
}

function safe(encrypt: string, by = token): Query {
  return { ...signed({}, by), encrypt_type: "aes", msg_signature: sign([by, stamp, nonce, encrypt]) };
}

/** What a push says, and whether its answer has to be sealed. */
function said({ push, seal }: OpenedPush): unknown[] {
  return [push.routingKey, push.identity, seal?.format];
}

test("opens what was sealed for the account, and remembers how to seal the answer", async () => {
  const { push, seal } = (await openerOf()).open(...sealed());
  assert.deepEqual([push.routingKey, push.identity, push.format], ["msg.text", "shop/o1/7", "xml"]);
  const { sealer, ...rest } = seal ?? assert.fail("it was sealed");
  assert.deepEqual(rest, { token, appId, format: "xml", timestamp: stamp, nonce });
  assert.equal(createCrypt({ aesKey, appId }).open(sealer.seal("hello", appId)), "hello");
});

const envelopes: [name: string, wrap: (body: string, encrypt: string) => string, format: string][] = [
  ["XML round JSON", (_body, encrypt) => `<xml><Encrypt>${encrypt}</Encrypt></xml>`, "xml"],
  ["XML with blanks round the sealed text", (_body, encrypt) => `<xml><Encrypt>\n${encrypt}\n</Encrypt></xml>`, "xml"],
  ["JSON behind a byte order mark", (_body, encrypt) => `\uFEFF{"Encrypt":"${encrypt}"}`, "json"],
];
for (const [name, wrap, format] of envelopes) {
  test(`an envelope is opened, and the answer's is of its format: ${name}`, async () => {
    const body = `{"FromUserName":"o1","MsgType":"text","MsgId":7}`;
    const { push, seal } = (await openerOf()).open(...sealed(body, { wrap }));
    assert.deepEqual([push.identity, push.format, seal?.format], ["shop/o1/7", "json", format]);
  });
}

test("opens WeChat's own example", async () => {
  const [vector] = vectors.sealed;
  assert.ok(vector);
  const params = { token: vector.token, "app-id": vector.appId, "aes-key": vector.encodingAESKey };
  const opener = await openerOf({ timeout: 0 }, params);
  const { timestamp, msg_signature } = vector;
  const query = {
    signature: "6c5c811b55cc85e0e1b54100749188c20beb3f5d",
    timestamp,
    nonce,
    encrypt_type: "aes",
    msg_signature,
  };
  const { push, seal } = opener.open(query, Buffer.from(JSON.stringify({ Encrypt: vector.encrypt })));
  assert.deepEqual([push.routingKey, push.format, seal?.format], ["event.debug_demo", "json", "json"]);
});

test("compat mode: only the sealed text is trusted", async () => {
  const forged = text.replace("<MsgType>text", "<MsgType>forged").replace("o1", "oVICTIM");
  const wrap = (_body: string, encrypt: string) => wrapCompat(forged, encrypt);
  assert.deepEqual(said((await openerOf()).open(...sealed(text, { wrap }))), ["msg.text", "shop/o1/7", "xml"]);
});

test("compat mode on an account without a key: its plaintext is what there is", async () => {
  const opener = await plainOpener();
  assert.deepEqual(said(opener.open(...sealed(text, { wrap: wrapCompat }))), ["msg.text", "shop/o1/7", undefined]);
});

const click = {
  xml: "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>CLICK</Event><EventKey><![CDATA[<Encrypt>k</Encrypt>]]></EventKey></xml>",
  json: String.raw`{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1,"MsgType":"event","Event":"CLICK","EventKey":"\"Encrypt\":\"k\""}`,
};
for (const [format, event] of Object.entries(click)) {
  test(`compat mode on an account without a key, ${format}: each try is sealed anew, and all are one push`, async () => {
    const opener = await plainOpener();
    const tries = [1, 2].map(() => opener.open(...sealed(event, { wrap: wrapCompat })).push);
    assert.equal(tries[0]?.identity, tries[1]?.identity);
    const plain = opener.open(signed(), Buffer.from(event)).push;
    assert.deepEqual([tries[0]?.json, tries[1]?.json], [plain.json, plain.json]);
  });
}

for (const encrypt_type of [undefined, "", "raw"]) {
  test(`plaintext with encrypt_type ${encrypt_type}`, async () => {
    const query = signed({ encrypt_type });
    const expected = ["msg.text", "shop/o1/7", undefined];
    assert.deepEqual(said((await plainOpener()).open(query, Buffer.from(text))), expected);
    assert.deepEqual(said((await openerOf({ "allow-plaintext": true })).open(query, Buffer.from(text))), expected);
    const refusal = { code: "PLAINTEXT_REFUSED", status: 403 };
    assert.throws(() => void refusing.open(query, Buffer.from(text)), refusal);
  });
}
const refusing = await openerOf();

test("allow-plaintext does not weaken what is sealed", async () => {
  const opener = await openerOf({ "allow-plaintext": true });
  const [query, body] = sealed();
  assert.throws(() => opener.open({ ...query, msg_signature: "0" }, body), { code: "MSG_SIGNATURE_MISMATCH" });
  assert.deepEqual(said(opener.open(query, body)), ["msg.text", "shop/o1/7", "xml"]);
});

const previous = { token: "TokenBefore", key: "B".repeat(43) };
const rotations: [name: string, by: string, key: string][] = [
  ["both new", token, aesKey],
  ["both old", previous.token, previous.key],
  ["the old token, the new key", previous.token, aesKey],
  ["the new token, the old key", token, previous.key],
];
for (const [name, by, key] of rotations) {
  test(`rotation: ${name}, and the answer is sealed alike`, async () => {
    const opener = await openerOf({ "previous-token": previous.token, "previous-aes-key": previous.key });
    const { push, seal } = opener.open(...sealed(text, { by, key }));
    assert.equal(push.identity, "shop/o1/7");
    assert.equal(seal?.token, by);
    assert.equal(createCrypt({ aesKey: key, appId }).open(seal.sealer.seal("hi", appId)), "hi");
    opener.verify(signed({}, by));
  });
}

test("without a rotation the old token and key are refused", async () => {
  assert.throws(() => refusing.open(...sealed(text, { by: previous.token })), { code: "SIGNATURE_MISMATCH" });
  assert.throws(() => refusing.open(...sealed(text, { key: previous.key })), { code: "UNDECRYPTABLE" });
});

const ages: [timeout: number, age: number, code: string | undefined][] = [
  [60, 59, undefined],
  [60, 60, undefined],
  [60, 61, "SIGNATURE_EXPIRED"],
  [60, -3600, undefined],
  [60, -86_400, undefined],
  [0, 86_400 * 3650, undefined],
];
for (const [timeout, age, code] of ages) {
  test(`timeout ${timeout}: a push ${age} s old is ${code ?? "taken"}`, async () => {
    const opener = await openerOf({ timeout });
    const verify = () => opener.verify(signed({ timestamp: String(NOW / 1000 - age) }));
    if (code === undefined) verify();
    else assert.throws(verify, { code, status: 400, message: "signature expired" });
  });
}

test("ages are whole seconds: 60 s and a fraction are 60", async () => {
  (await openerOf({ timeout: 60 }, {}, NOW + 60_999)).verify(signed());
  const late = await openerOf({ timeout: 60 }, {}, NOW + 61_000);
  assert.throws(() => late.verify(signed()), { code: "SIGNATURE_EXPIRED" });
});

test("timeout 0 takes any timestamp that is signed", async () => {
  (await openerOf({ timeout: 0 })).verify(signed({ timestamp: "yesterday" }));
});
