import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReply } from "./wechat-reply.ts";

const head =
  "<ToUserName><![CDATA[oUSER]]></ToUserName>\n<FromUserName><![CDATA[gh_1]]></FromUserName>\n<CreateTime>1348831860</CreateTime>\n";
const headRead = { ToUserName: "oUSER", FromUserName: "gh_1", CreateTime: 1348831860 };

function reply(type: string, rest: string): string {
  return `<xml>\n${head}<MsgType><![CDATA[${type}]]></MsgType>\n${rest}\n</xml>`;
}

function news(count: number, items: string): string {
  return reply("news", `<ArticleCount>${count}</ArticleCount><Articles>${items}</Articles>`);
}

test("reads a text, CDATA sections joined and entities decoded once", () => {
  const text = reply("text", "<Content><![CDATA[a]]]]><![CDATA[>b <i>]]> &amp;lt; &#x1F600;\n</Content>");
  assert.deepEqual(parseReply(text), { ...headRead, MsgType: "text", Content: "a]]>b <i> &lt; 😀\n" });
});

test("reads nested media and an empty text", () => {
  const video = "<Video><MediaId><![CDATA[MID]]></MediaId><Title></Title><Description/></Video>";
  assert.deepEqual(parseReply(reply("video", video)), {
    ...headRead,
    MsgType: "video",
    Video: { MediaId: "MID", Title: "", Description: "" },
  });
  assert.deepEqual(parseReply(reply("transfer_customer_service", "")), {
    ...headRead,
    MsgType: "transfer_customer_service",
  });
});

test("reads the articles of news as an array, even one", () => {
  const item =
    "<item><Title>T</Title><Description>D</Description><PicUrl>http://p/?a=1&amp;b</PicUrl><Url>u</Url></item>";
  const one = { Title: "T", Description: "D", PicUrl: "http://p/?a=1&b", Url: "u" };
  assert.deepEqual(parseReply(news(1, item))["Articles"], { item: [one] });
  assert.deepEqual(parseReply(news(2, item + item))["Articles"], { item: [one, one] });
  assert.throws(() => parseReply(news(1, item + item)), /ArticleCount/);
});

test("reads a JSON reply by the same grammar", () => {
  const json = { ...headRead, MsgType: "text", Content: "hi" };
  assert.deepEqual(parseReply(JSON.stringify(json)), json);
  assert.throws(() => parseReply(JSON.stringify({ ...json, Content: 1 })), /Content/);
  assert.throws(() => parseReply(JSON.stringify({ ...json, Extra: "" })), /Extra/);
  const item = { Title: "T", Description: "", PicUrl: "", Url: "u" };
  const list = { ...headRead, MsgType: "news", ArticleCount: 1, Articles: [item] };
  assert.deepEqual(parseReply(JSON.stringify(list)), list);
  assert.throws(() => parseReply(JSON.stringify({ ...list, Articles: { item: [item] } })), /Articles is no list/);
});

const malformed: Record<string, string> = {
  "a CDATA end inside CDATA": reply("text", "<Content><![CDATA[a]]>b</Content>X]]></Content>"),
  "a stray ampersand": reply("text", "<Content>a & b</Content>"),
  "an unknown entity": reply("text", "<Content>&nbsp;</Content>"),
  "a control character": reply("text", "<Content><![CDATA[\u0007]]></Content>"),
  "a reference to a control character": reply("text", "<Content>&#7;</Content>"),
  "half a surrogate pair": reply("text", "<Content><![CDATA[\uD83D]]></Content>"),
  "an element twice": reply("text", "<Content>a</Content><Content>b</Content>"),
  "an element of another type": reply("text", "<Content>a</Content><Image><MediaId>M</MediaId></Image>"),
  "no content": reply("text", ""),
  "an unknown type": reply("hologram", "<Content>a</Content>"),
  "a type out of Object.prototype": reply("constructor", ""),
  "text where elements belong": reply("image", "<Image>MID</Image>"),
  "text beside elements": reply("image", "<Image>x<MediaId>M</MediaId></Image>"),
  "milliseconds for seconds": reply("text", "<Content>a</Content>").replace("1348831860", "1348831860000"),
  "an end that is missing": reply("text", "<Content>a</Content>").replace("</xml>", ""),
  "ends that are crossed": reply("image", "<Image><MediaId>M</Image></MediaId>"),
  "something after the end": `${reply("text", "<Content>a</Content>")}x`,
  "two roots": reply("text", "<Content>a</Content>").repeat(2),
  "another root": reply("text", "<Content>a</Content>").replaceAll(/xml>/g, "XML>"),
  "an attribute": reply("text", '<Content a="1">a</Content>'),
  "a DOCTYPE": `<!DOCTYPE xml>${reply("text", "<Content>a</Content>")}`,
  "the word success": "success",
  nothing: "",
};

for (const [name, text] of Object.entries(malformed)) {
  test(`refuses ${name}`, () => {
    assert.throws(() => parseReply(text), /malformed/);
  });
}
