import assert from "node:assert/strict";
import { test } from "node:test";
import type { Seal } from "../../gateway/open-push.ts";
import { renderReply, sealAnswer } from "../../gateway/render-reply.ts";
import { readReply, type Reply } from "../../shared/reply.ts";
import { createSealer } from "../../shared/wechat/sealing.ts";
import { replies } from "../fixtures/replies.ts";
import { createCrypt, sign } from "../support/wechat-crypt.ts";
import { openAnswer } from "../support/wechat-envelope.ts";
import { parseReply } from "../support/wechat-server.ts";

const NOW = 1_714_112_445_999;
const push = {
  ToUserName: "gh_7f083739789a",
  FromUserName: "oia2TjuEGTNoeX76QEjQNrcURxG8",
  format: "xml",
} as const;
const parties = { ToUserName: push.FromUserName, FromUserName: push.ToUserName, CreateTime: 1714112445 };

/** What a backend with a 2xx answer makes WeChat get. */
function answerTo(body: string, format: "xml" | "json" = "xml"): string {
  return renderReply(readReply(body).reply, { ...push, format }, NOW);
}

const usable = replies.filter(({ backend: { status = 200 } }) => status < 300);
for (const { name, backend, xml = "success", reply } of usable) {
  test(`reply in XML: ${name}`, () => {
    const text = answerTo(backend.body);
    assert.equal(text, xml.replace("{CreateTime}", "1714112445"));
    if (typeof reply === "object" && "MsgType" in reply) assert.equal(parseReply(text)["MsgType"], reply.MsgType);
  });
  test(`reply in JSON: ${name}`, () => {
    const text = answerTo(backend.body, "json");
    if (reply === "success") return assert.equal(text, "success");
    if ("raw" in reply) return assert.equal(text, reply.raw);
    const { ArticleCount, Articles, ...fields } = reply;
    const { item } = (Articles ?? {}) as { item?: unknown };
    const news = item === undefined ? {} : { ArticleCount: Number(ArticleCount), Articles: item };
    assert.deepEqual(parseReply(text), { ...parties, ...fields, ...news });
  });
}

const render = (reply: Reply, changes: object = {}) => renderReply(reply, { ...push, ...changes }, NOW);
const contentOf = (msg: string) => /<Content>([\s\S]*)<\/Content>/.exec(render({ type: "text", msg }))?.[1];

const cdata: [name: string, msg: string, content: string][] = [
  ["]]>", "a]]>b", "<![CDATA[a]]]]><![CDATA[>b]]>"],
  ["]]> at both ends", "]]>x]]>", "<![CDATA[]]]]><![CDATA[>x]]]]><![CDATA[>]]>"],
  ["]]]]>>", "]]]]>>", "<![CDATA[]]]]]]><![CDATA[>>]]>"],
  ["]] at the end", "a]]", "<![CDATA[a]]]]>"],
  ["> at the start", ">a", "<![CDATA[>a]]>"],
  ["another CDATA", "<![CDATA[a]]>", "<![CDATA[<![CDATA[a]]]]><![CDATA[>]]>"],
  ["characters that XML forbids", "a\0b\u0001c\u0008d\u000be\u000cf\u001fg\ufffeh\uffffi", "<![CDATA[abcdefghi]]>"],
  ["]]> once a forbidden one is gone", "]\u0001]\u0002>", "<![CDATA[]]]]><![CDATA[>]]>"],
  ["tab, newline, return, DEL", "a\tb\nc\rd\u007f", "<![CDATA[a\tb\nc\rd\u007f]]>"],
  ["half a surrogate pair", "a\ud83db", "<![CDATA[a\ufffdb]]>"],
  ["emoji", "😀", "<![CDATA[😀]]>"],
];
for (const [name, msg, content] of cdata) {
  test(`CDATA: ${name}`, () => {
    assert.equal(contentOf(msg), content);
    assert.equal(typeof parseReply(render({ type: "text", msg }))["Content"], "string");
  });
}

test("no user name can break out of its element", () => {
  const text = render({ type: "text", msg: "a" }, { FromUserName: "o]]></ToUserName><MsgType>", ToUserName: "\0g" });
  const { ToUserName, FromUserName } = parseReply(text);
  assert.deepEqual([ToUserName, FromUserName], ["o]]></ToUserName><MsgType>", "g"]);
});

test("a video's empty title and desc become the former program's words", () => {
  const text = render({ type: "video", msg: "M", title: "", desc: "" });
  assert.deepEqual(parseReply(text)["Video"], { MediaId: "M", Title: "[no title]", Description: "[no desc]" });
});

test("music with nothing but its thumbnail, news with nothing but titles", () => {
  assert.deepEqual(parseReply(render({ type: "music", msg: "T" }))["Music"], { ThumbMediaId: "T" });
  const text = render({ type: "news", articles: [{ title: "A" }] });
  assert.deepEqual(parseReply(text)["Articles"], { item: [{ Title: "A", Description: "", PicUrl: "", Url: "" }] });
});

const aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const appId = "wxb11529c136998cb6";
const crypt = createCrypt({ aesKey, appId });
const sealOf = (changes: Partial<Seal> = {}): Seal => ({
  sealer: createSealer(aesKey),
  token: "AAAAA",
  appId,
  format: "xml",
  timestamp: "1713424427",
  nonce: "415670741",
  ...changes,
});

test("an XML answer is sealed in XML, with the push's timestamp and nonce", () => {
  const inner = answerTo(`{"msg":"hello"}`);
  const sealed = sealAnswer(inner, sealOf());
  const [, encrypt = "", signature] =
    /^<xml>\n<Encrypt><!\[CDATA\[([\w+/=]+)\]\]><\/Encrypt>\n<MsgSignature><!\[CDATA\[([0-9a-f]{40})\]\]><\/MsgSignature>\n<TimeStamp>1713424427<\/TimeStamp>\n<Nonce><!\[CDATA\[415670741\]\]><\/Nonce>\n<\/xml>$/.exec(
      sealed,
    ) ?? assert.fail(sealed);
  assert.equal(signature, sign(["AAAAA", "1713424427", "415670741", encrypt]));
  assert.equal(crypt.open(encrypt), inner);
});

test("a JSON answer is sealed in JSON; TimeStamp is a number there", () => {
  const inner = answerTo(`{"msg":"hello"}`, "json");
  const sealed = sealAnswer(inner, sealOf({ format: "json" }));
  assert.deepEqual(openAnswer(sealed, "AAAAA", crypt), { opened: inner, sealed: true, verified: true });
  const { Encrypt, MsgSignature, ...others } = JSON.parse(sealed) as Record<string, unknown>;
  assert.deepEqual([typeof Encrypt, typeof MsgSignature], ["string", "string"]);
  assert.deepEqual(others, { TimeStamp: 1713424427, Nonce: "415670741" });
});

test("a raw answer is sealed as it is", () => {
  const sealed = sealAnswer(`{"ErrCode":0}`, sealOf());
  assert.equal(openAnswer(sealed, "AAAAA", crypt).opened, `{"ErrCode":0}`);
});

test("timestamp and nonce of any text stay well-formed and verify", () => {
  const strange = { timestamp: "1]]><a>", nonce: "]]></Nonce><b>" };
  for (const format of ["xml", "json"] as const) {
    const sealed = sealAnswer("hi", sealOf({ ...strange, format }));
    assert.deepEqual(openAnswer(sealed, "AAAAA", crypt), { opened: "hi", sealed: true, verified: true });
  }
});

test("success and the empty answer are never sealed, plaintext pushes get plaintext", () => {
  for (const text of ["success", ""]) assert.equal(sealAnswer(text, sealOf()), text);
  assert.equal(sealAnswer("<xml/>", undefined), "<xml/>");
});
