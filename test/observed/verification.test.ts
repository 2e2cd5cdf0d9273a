/**
 * What go-wx-gateway answered to requests that are not quite WeChat's, row by row, in one process on the in-process bus:
 * none of them gets as far as a bus.
 * Elsewhere: more of the same at the function (test/gateway/open-push-refusals), methods and paths (test/gateway/http-refusals),
 * echostr, Content-Type, one token a path (test/gateway/http), hostile XML (test/shared/wechat/xml).
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createSystem } from "../bridge/system.ts";
import { createBackend } from "../support/backend-server.ts";
import { createCrypt, sign } from "../support/wechat-crypt.ts";

const closing = { after: (close: () => Promise<void>) => after(close) };
const backend = await createBackend(closing);
const account = { "msg-proxy-pass": backend.url };
const services = [
  { name: "plain", sealed: false, ...account },
  { name: "echo", sealed: false },
  { name: "aged", sealed: false, timeout: 60, ...account },
  { name: "aes", ...account },
  { name: "store", sealed: false, "is-channels-ec": true, ...account },
];
const system = await createSystem(closing, { bus: "in-process", services });
const token = "AAAAA";
const aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const appId = "wxba5fad812f8e6fb9";
const crypt = createCrypt({ aesKey, appId });

type Query = Record<string, string | undefined>;
const seconds = (ago = 0) => String(Math.floor(Date.now() / 1000) - ago);
const signed = (timestamp = seconds()): Query => ({ signature: sign([token, timestamp, "n"]), timestamp, nonce: "n" });
const aes = (encrypt: string): Query => {
  const { timestamp = "" } = signed();
  return { ...signed(timestamp), encrypt_type: "aes", msg_signature: sign([token, timestamp, "n", encrypt]) };
};
const envelope = (encrypt: string) => `<xml><ToUserName>gh_1</ToUserName><Encrypt>${encrypt}</Encrypt></xml>`;
const xml = "<xml><FromUserName>o1</FromUserName><MsgType>text</MsgType><MsgId>1</MsgId><Content>x</Content></xml>";

interface Row {
  fact: string;
  name?: string;
  query: Query;
  body?: string;
  status: number;
  answer: string;
}
const row = (fact: string, query: Query, status: number, answer: string, more: Partial<Row> = {}): Row => ({
  fact,
  query,
  status,
  answer,
  ...more,
});
const sealedRow = (fact: string, encrypt: string, status: number, answer: string, more: Partial<Row> = {}): Row =>
  row(fact, aes(encrypt), status, answer, { name: "aes", body: envelope(encrypt), ...more });

const argument = "argument expected: signature, timestamp and nonce\n";
const neither = "the body is neither XML nor a JSON object\n";
const noRoot = "the body has no <xml> root element\n";
const unopened = (why: string) => `the sealed text cannot be opened with this account's aes-key: ${why}\n`;
const blocks = unopened("its length is no multiple of a block");
const foreign = createCrypt({ aesKey, appId: "wxOTHER" }).seal(xml);
const right = crypt.seal(xml);
const died = "it ended the process: it is refused";

const checks: Row[] = [
  row("GET with echostr, as before", { ...signed(), echostr: "4375" }, 200, "4375"),
  row("echostr was sniffed as HTML: it is text", { ...signed(), echostr: "<script>" }, 200, "<script>"),
  row("GET without echostr: another greeting", signed(), 200, "hello, this is wx-bridge"),
  row("a wrong signature said `signanure`", { ...signed(), signature: "0" }, 400, "invalid signature\n"),
  row("a timestamp of any text without timeout, as before", signed("abc"), 200, "hello, this is wx-bridge"),
];
const ages: Row[] = [
  row("59 of 60 s old, as before", signed(seconds(58)), 200, "hello, this is wx-bridge"),
  row("61 of 60 s old, as before", signed(seconds(61)), 400, "signature expired\n"),
  row("an hour ahead, as before", signed(seconds(-3600)), 200, "hello, this is wx-bridge"),
  row("no number, as before", signed("abc"), 400, "invalid timestamp\n"),
];
const pushes: Row[] = [
  row("a wrong signature, the words mended", { ...signed(), signature: "0" }, 400, "invalid signature\n", {
    body: xml,
  }),
  row(
    "a signature in capitals, as before",
    { ...signed(), signature: signed()["signature"]?.toUpperCase() },
    400,
    "invalid signature\n",
    { body: xml },
  ),
  ...["signature", "timestamp", "nonce"].flatMap((name) => [
    row(`no ${name}: the words name them`, { ...signed(), [name]: undefined }, 400, argument, { body: xml }),
    row(`an empty ${name}: the words name them`, { ...signed(), [name]: "" }, 400, argument, { body: xml }),
  ]),
  ...["plain", "echo"].flatMap((name) => [
    row(`${name}: nothing, ${died}`, signed(), 400, neither, { name, body: "" }),
    row(`${name}: garbage, ${died}`, signed(), 400, neither, { name, body: "garbage" }),
    row(`${name}: <foo/>, ${died}`, signed(), 400, noRoot, { name, body: "<foo/>" }),
    row(`${name}: malformed XML was success`, signed(), 400, "the body is not well-formed XML\n", {
      name,
      body: "<xml><a></xml>",
    }),
    row(`${name}: junk behind was taken`, signed(), 400, "the body is not well-formed XML\n", {
      name,
      body: `${xml}junk`,
    }),
    row(`${name}: a prefix before xml was taken`, signed(), 400, noRoot, {
      name,
      body: `<a:xml xmlns:a="b"><MsgType>text</MsgType></a:xml>`,
    }),
    row(`${name}: a DOCTYPE was success`, signed(), 400, "a DOCTYPE is not accepted\n", {
      name,
      body: `<!DOCTYPE xml>${xml}`,
    }),
  ]),
  row("a store's garbage was success", signed(), 400, "the body is not a JSON object\n", {
    name: "store",
    body: "{garbage",
  }),
  row(
    "encrypt_type: the words mended",
    { ...signed(), encrypt_type: "des" },
    403,
    "unsupported encrypt_type: WeChat uses aes or raw\n",
    { body: xml },
  ),
  row(
    "an account without aes-key died in a panic: 403",
    aes(right),
    403,
    "sealed push refused: this account has no aes-key\n",
    { body: envelope(right) },
  ),
  row(
    "plaintext was taken by a sealed account",
    signed(),
    403,
    "plaintext refused: this account has an aes-key (safe mode)\n",
    { name: "aes", body: xml },
  ),
  row(
    "old plaintext was, too",
    signed("1500000000"),
    403,
    "plaintext refused: this account has an aes-key (safe mode)\n",
    { name: "aes", body: xml },
  ),
  row(
    "encrypt_type raw on a sealed account: 403, other words",
    { ...signed(), encrypt_type: "raw" },
    403,
    "plaintext refused: this account has an aes-key (safe mode)\n",
    { name: "aes", body: xml },
  ),
  sealedRow("a wrong msg_signature: the words mended", right, 403, "bad msg_signature\n", {
    query: { ...aes(right), msg_signature: "0" },
  }),
  sealedRow("no msg_signature: the words mended", right, 403, "bad msg_signature\n", {
    query: { ...aes(right), msg_signature: undefined },
  }),
  sealedRow("no Encrypt was 403", right, 400, "Encrypt not found\n", { body: xml }),
  sealedRow("Encrypt that is no base64 was 403", "!!!!", 400, blocks),
  sealedRow("another AppID was taken", foreign, 403, "the push was sealed for another AppID\n"),
  sealedRow("a block cut off was PANIC and a stack", right.slice(0, 24), 400, blocks),
  sealedRow("nothing sealed was Encrypt missing", "", 400, "Encrypt not found\n"),
  sealedRow(`a sealed <foo/>, ${died}`, crypt.seal("<foo/>"), 400, noRoot),
  sealedRow(`sealed garbage, ${died}`, crypt.seal("garbage"), 400, neither),
  sealedRow("an empty body was PANIC and a stack", right, 400, neither, { body: "" }),
  sealedRow("another root was PANIC and a stack", right, 400, noRoot, {
    body: `<foo><Encrypt>${right}</Encrypt></foo>`,
  }),
];

async function send({ name = "plain", query, body }: Row): Promise<[number, string, string | null]> {
  const url = new URL(`${system.url}/${name}`);
  for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, value);
  const answer = await fetch(url, body === undefined ? {} : { method: "POST", body });
  return [answer.status, await answer.text(), answer.headers.get("content-type")];
}

for (const check of [...checks, ...ages.map((age) => ({ ...age, name: "aged" }))]) {
  test(`the URL's check: ${check.fact}`, async () => {
    assert.deepEqual(await send(check), [check.status, check.answer, "text/plain; charset=utf-8"]);
  });
}
for (const push of pushes) {
  test(`push: ${push.fact}`, async () => {
    assert.deepEqual(await send(push), [push.status, push.answer, "text/plain; charset=utf-8"]);
    assert.equal(backend.requests.length, 0);
  });
}
test("random sealed texts were PANIC and a stack: 400, and nothing of the answer is a stack", async () => {
  for (const bytes of [16, 32, 64, 320]) {
    const encrypt = Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("base64");
    const [status, answer] = await send({
      fact: "",
      name: "aes",
      query: aes(encrypt),
      body: envelope(encrypt),
      status: 400,
      answer: "",
    });
    assert.equal(status, 400);
    assert.match(answer, /^the sealed text cannot be opened with this account's aes-key: [a-z ]+\n$/);
  }
});
test("after all that, each account answers a push", async () => {
  for (const { name } of services.filter(({ name }) => name !== "store")) {
    assert.equal((await system.wechat(name).push(xml)).status, 200, name);
  }
});
