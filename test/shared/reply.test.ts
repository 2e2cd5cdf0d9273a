import assert from "node:assert/strict";
import { test } from "node:test";
import { readReply, readReplyBody } from "../../shared/reply.ts";

const success = { type: "success" };

const usable: [name: string, json: string, reply: object][] = [
  ["text", `{"type":"text","msg":"hello"}`, { type: "text", msg: "hello" }],
  ["no type is text", `{"msg":"hello"}`, { type: "text", msg: "hello" }],
  ["type null is text", `{"type":null,"msg":"hello"}`, { type: "text", msg: "hello" }],
  ["an empty type is text", `{"type":"","msg":"hello","title":"","desc":""}`, { type: "text", msg: "hello" }],
  ["an empty type, nothing said", `{"type":"","msg":""}`, success],
  ["keys of any case", `{"TYPE":"image","Msg":"M"}`, { type: "image", msg: "M" }],
  ["the exact key wins", `{"MSG":"a","msg":"b","Msg":"c"}`, { type: "text", msg: "b" }],
  ["other keys are left out", `{"msg":"a","code":0,"__proto__":{"type":"news"}}`, { type: "text", msg: "a" }],
  ["no msg", `{"type":"text"}`, success],
  ["empty msg", `{"type":"voice","msg":""}`, success],
  ["msg null", `{"msg":null}`, success],
  ["empty object", `{}`, success],
  ["success", `{"type":"success","msg":"x"}`, { type: "success", msg: "x" }],
  ["junk behind", `{"msg":"a"} and more`, { type: "text", msg: "a" }],
  ["2048 bytes", `{"msg":"${"中".repeat(682)}ab"}`, { type: "text", msg: `${"中".repeat(682)}ab` }],
  ["video", `{"type":"video","msg":"M","title":"T","desc":"D"}`, { type: "video", msg: "M", title: "T", desc: "D" }],
  [
    "news whose keys are of any case or null",
    `{"type":"news","Articles":[{"Title":"T","desc":null,"PicURL":"p","URL":"u","id":1}]}`,
    { type: "news", articles: [{ title: "T", picUrl: "p", url: "u" }] },
  ],
  ["music", `{"type":"music","msg":"M","HQURL":"h"}`, { type: "music", msg: "M", hqUrl: "h" }],
  ["customer service", `{"type":"transfer_customer_service"}`, { type: "transfer_customer_service" }],
  ["raw", `{"type":"raw","msg":"{\\"ErrCode\\":0}"}`, { type: "raw", msg: `{"ErrCode":0}` }],
];
for (const [name, json, reply] of usable) {
  test(`reply: ${name}`, () => {
    const { reply: read, unusable } = readReply(json);
    assert.equal(unusable, undefined);
    assert.deepEqual(read.type === "success" ? success : read, Object(reply).type === "success" ? success : reply);
  });
}

const unusable: [name: string, json: string, reason: RegExp][] = [
  ["empty", "", /not a JSON object/],
  ["null", "null", /not a JSON object/],
  ["an array", "[]", /not a JSON object/],
  ["a string", `"hello"`, /not a JSON object/],
  ["truncated", `{"msg":"hel`, /not a JSON object/],
  ["a byte order mark", `\ufeff{"msg":"hello"}`, /not a JSON object/],
  ["HTML", "<html>", /not a JSON object/],
  [
    "an unknown type",
    `{"type":"poem","msg":"x"}`,
    /^its type is none of success, text, image, voice, video, music, news,/,
  ],
  ["a type that every object has", `{"type":"toString","msg":"x"}`, /^its type/],
  ["__proto__ for a type", `{"type":"__proto__","msg":"x"}`, /^its type/],
  ["a number for a type", `{"type":1,"msg":"x"}`, /^its type/],
  ["a number for msg", `{"msg":1}`, /^its fields do not fit type text$/],
  ["an object for msg", `{"type":"image","msg":{"a":1}}`, /^its fields do not fit type image$/],
  ["a number for a title", `{"type":"video","msg":"M","title":1}`, /^its fields do not fit type video$/],
  ["news without articles", `{"type":"news"}`, /^its fields do not fit type news$/],
  ["news of none", `{"type":"news","articles":[]}`, /^its fields do not fit type news$/],
  ["an article without a title", `{"type":"news","articles":[{"url":"u"}]}`, /^its fields do not fit type news$/],
  ["a text of 2049 bytes", `{"msg":"${"中".repeat(683)}"}`, /^its text is longer than 2048 bytes$/],
];
for (const [name, json, reason] of unusable) {
  test(`unusable reply: ${name}`, () => {
    const read = readReply(json);
    assert.deepEqual(read.reply, success);
    assert.match(read.unusable ?? "", reason);
    assert.doesNotMatch(read.unusable ?? "", /hello|poem/, "the reason quotes nothing");
  });
}

const raws: [json: string, reply: object][] = [
  [`{"type":"text","msg":"{\\"a\\":1}"}`, { type: "raw", msg: `{"a":1}` }],
  [`{"msg":"x"}`, { type: "raw", msg: "x" }],
  [`{"type":"poem","msg":"x"}`, { type: "raw", msg: "x" }],
  [`{"type":"image"}`, success],
  [`{"msg":"${"x".repeat(3000)}"}`, { type: "raw", msg: "x".repeat(3000) }],
];
for (const [json, reply] of raws) {
  test(`a store's reply is its msg: ${json.slice(0, 40)}`, () => {
    assert.deepEqual(readReply(json, { raw: true }), { reply });
  });
}

test("the longest reply that a backend may give is read as well when a dispatcher has passed it on", () => {
  const msg = "x".repeat(1024 * 1024 - '{"msg":""}'.length);
  const { reply } = readReply(`{"msg":"${msg}"}`, { raw: true });
  assert.deepEqual(readReplyBody(Buffer.from(JSON.stringify(reply)), { raw: true }), { reply: { type: "raw", msg } });
});
