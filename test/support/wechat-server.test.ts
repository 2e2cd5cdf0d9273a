import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createBackend } from "./backend-server.ts";
import { createCrypt } from "./wechat-crypt.ts";
import { createWechat, parseReply, sign } from "./wechat-server.ts";

interface Vector {
  case: string;
  token?: string;
  encodingAESKey: string;
  appId: string;
  timestamp?: string;
  nonce?: string;
  signature?: string;
  msg_signature?: string;
  random: string;
  pad?: number;
  plain?: string;
  encrypt: string;
}

const vectors: { signatures: (Partial<Vector> & { case: string })[]; sealed: Vector[] } = JSON.parse(
  readFileSync(new URL("../fixtures/wechat-vectors.json", import.meta.url), "utf8"),
);
const account = { token: "AAAAA", appId: "wxba5fad812f8e6fb9", aesKey: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
const textPush =
  "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oUSER]]></FromUserName>" +
  "<CreateTime>1348831860</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[hi 😀]]></Content>" +
  "<MsgId>1234567890123456</MsgId></xml>";

for (const vector of [...vectors.signatures, ...vectors.sealed]) {
  const { token, timestamp, nonce, signature, msg_signature, encrypt } = vector;
  if (!token || !timestamp || !nonce) continue;
  test(`signs as WeChat does: ${vector.case}`, () => {
    if (signature) assert.equal(sign([token, timestamp, nonce]), signature);
    if (msg_signature) assert.equal(sign([token, timestamp, nonce, encrypt ?? ""]), msg_signature);
    assert.ok(signature ?? msg_signature);
  });
}

for (const { case: name, encodingAESKey: aesKey, appId, encrypt, plain, random } of vectors.sealed) {
  test(`opens and seals as WeChat does: ${name}`, () => {
    const crypt = createCrypt({ aesKey, appId });
    const opened = crypt.open(encrypt);
    if (plain !== undefined) assert.equal(opened, plain);
    assert.match(opened, plain === undefined ? /o9AgO5Kd5ggOC-bXrbNODIiE3bGY/ : /./);
    if (random) assert.equal(crypt.seal(opened, { random }), encrypt);
  });
}

test("pads to the published length, and as told", () => {
  const { encodingAESKey: aesKey, appId, random, encrypt, pad } = vectors.sealed[0] ?? assert.fail();
  const crypt = createCrypt({ aesKey, appId });
  assert.equal(crypt.seal(crypt.open(encrypt), pad === undefined ? { random } : { random, pad }), encrypt);
  assert.throws(() => crypt.open(crypt.seal("x".repeat(26), { pad: 16 })), /padding/);
});

test("refuses what was sealed for another AppID and what was changed on the way", () => {
  const mine = createCrypt(account);
  const other = createCrypt({ ...account, appId: "wxother" });
  assert.throws(() => mine.open(other.seal("hi")), /another AppID: "wxother"/);
  assert.throws(() => mine.open(`!${mine.seal("hi")}`), /not base64/);
  assert.throws(() => createCrypt({ ...account, aesKey: account.aesKey.replace(/.$/, "-") }), /43 base64/);
});

test("pushes plain, with a signature, an openid and the format's own content type", async (t) => {
  const receiver = await createBackend(t, { body: "success" });
  const wechat = createWechat({ url: `${receiver.url}/wx?keep=1`, token: "AAAAA", appId: "wx1" });
  const answer = await wechat.push(textPush, { timestamp: 1714037059, nonce: "486452656" });
  const [request] = receiver.requests;
  assert.equal(request?.method, "POST");
  assert.equal(request.path, "/wx");
  assert.deepEqual(request.query, {
    keep: "1",
    signature: "899cf89e464efb63f54ddac96b0a0a235f53aa78",
    timestamp: "1714037059",
    nonce: "486452656",
    openid: "oUSER",
  });
  assert.equal(request.headers["content-type"], "text/xml");
  assert.equal(request.body, textPush);
  assert.equal(answer.status, 200);
  assert.deepEqual([answer.body, answer.opened, answer.sealed, answer.verified], ["success", "success", false, false]);
  assert.ok(answer.ms > 0);
});

test("seals a push whole, and opens and verifies the sealed answer", async (t) => {
  const reply = '{"demo_resp":"good luck"}';
  const receiver = await createBackend(t);
  const wechat = createWechat({ url: receiver.url, ...account });
  receiver.answer(() => sealedAnswer(wechat.seal(reply), account.token));
  const answer = await wechat.push(textPush);
  const [request] = receiver.requests;
  const encrypt = /<Encrypt><!\[CDATA\[(.*)\]\]><\/Encrypt>/.exec(request?.body ?? "")?.[1] ?? "";
  const { timestamp = "", nonce = "", ...query } = request?.query ?? {};
  assert.equal(wechat.open(encrypt), textPush);
  assert.doesNotMatch(request?.body ?? "", /Content/);
  assert.match(request?.body ?? "", /<ToUserName><!\[CDATA\[gh_1\]\]><\/ToUserName>/);
  assert.deepEqual(query, {
    signature: sign(["AAAAA", timestamp, nonce]),
    openid: "oUSER",
    encrypt_type: "aes",
    msg_signature: sign(["AAAAA", timestamp, nonce, encrypt]),
  });
  assert.deepEqual([answer.opened, answer.sealed, answer.verified], [reply, true, true]);
});

test("tells that a sealed answer's signature is wrong", async (t) => {
  const receiver = await createBackend(t);
  const wechat = createWechat({ url: receiver.url, ...account });
  receiver.answer(() => sealedAnswer(wechat.seal("hello"), "not the token"));
  const answer = await wechat.push(textPush);
  assert.deepEqual([answer.opened, answer.sealed, answer.verified], ["hello", true, false]);
});

test("pushes JSON without losing a digit, sealed in JSON, compatible with the plain fields beside", async (t) => {
  const body = '{"ToUserName":"gh_ec","FromUserName":"oEC","MsgType":"event","order_id":3705115058471208928}';
  const receiver = await createBackend(t, { body: "success" });
  const wechat = createWechat({ url: receiver.url, ...account });
  await wechat.push(body);
  await wechat.push(body, { mode: "compat" });
  const [sealed, compat] = await receiver.next(2);
  assert.equal(sealed?.headers["content-type"], "application/json");
  assert.deepEqual(Object.keys(Object(sealed.json)), ["ToUserName", "Encrypt"]);
  assert.ok(compat?.body.startsWith(body.slice(0, -1)));
  for (const request of [sealed, compat]) assert.equal(wechat.open(String(Object(request?.json).Encrypt)), body);
});

test("overrides and removes single query parameters", async (t) => {
  const receiver = await createBackend(t, { body: "success" });
  const wechat = createWechat({ url: receiver.url, ...account });
  await wechat.push(textPush, { mode: "plain", query: { signature: "bad", nonce: null, openid: null, extra: "1" } });
  const { query = {} } = receiver.requests[0] ?? {};
  assert.equal(query["signature"], "bad");
  assert.deepEqual(Object.keys(query).toSorted(), ["extra", "signature", "timestamp"]);
});

test("checks the URL with echostr", async (t) => {
  const receiver = await createBackend(t, ({ query }) => ({ body: query["echostr"] }));
  const wechat = createWechat({ url: receiver.url, token: "AAAAA", appId: "wx1" });
  const given = { timestamp: "1714036504", nonce: "1514711492" };
  const answer = await wechat.verifyUrl("4375120948345356249", given);
  assert.equal(answer.body, "4375120948345356249");
  assert.equal(receiver.requests[0]?.method, "GET");
  assert.equal(receiver.requests[0].query["signature"], "f464b24fc39322e44b38aa78f5edd27bd1441696");
});

test("hangs up when told and at its deadline, and rejects half an answer", async (t) => {
  const receiver = await createBackend(t, "hang");
  const wechat = createWechat({ url: receiver.url, token: "AAAAA", appId: "wx1" });
  const aborted = wechat.push(textPush, { signal: AbortSignal.timeout(50) });
  await assert.rejects(aborted, { name: "AbortError" });
  await assert.rejects(wechat.push(textPush, { timeoutMs: 50 }), { name: "AbortError" });
  receiver.answer("truncate");
  await assert.rejects(wechat.push(textPush), { code: "ECONNRESET" });
  receiver.answer("reset");
  await assert.rejects(wechat.push(textPush), { code: "ECONNRESET" });
});

test("parseReply is at hand beside the pushes", () => {
  assert.throws(() => parseReply("success"), /malformed/);
});

function sealedAnswer(encrypt: string, token: string) {
  const signature = sign([token, "1713424427", "415670741", encrypt]);
  const body =
    `<xml><Encrypt><![CDATA[${encrypt}]]></Encrypt><MsgSignature><![CDATA[${signature}]]></MsgSignature>` +
    "<TimeStamp>1713424427</TimeStamp><Nonce><![CDATA[415670741]]></Nonce></xml>";
  return { headers: { "content-type": "application/xml" }, body };
}
