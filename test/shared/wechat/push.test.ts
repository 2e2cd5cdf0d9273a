import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePush } from "../../../shared/wechat/push.ts";
import { knownKey } from "../../../shared/wechat/kinds/kinds.ts";
import { pathOf } from "../../../shared/wechat/routing-key.ts";
import { pushes } from "../../fixtures/pushes.ts";

const parse = (body: string) => parsePush(Buffer.from(body), "shop");

for (const { name, format, body, routingKey, path, json } of pushes) {
  test(`push: ${name}`, () => {
    const push = parse(body);
    assert.deepEqual([push.routingKey, pathOf(push.routingKey), push.format], [routingKey, path, format]);
    if (typeof json === "string") assert.equal(push.json, json);
    else assert.deepEqual(JSON.parse(push.json), json);
  });
}

test("no two pushes share an identity, and each keeps its own", () => {
  const identities = pushes.map(({ body }) => parse(body).identity);
  assert.equal(new Set(identities).size, pushes.length);
  assert.deepEqual(
    pushes.map(({ body }) => parse(body).identity),
    identities,
  );
});

test("the head of an XML push", () => {
  const { json, ...head } = parse(pushes[0]?.body ?? "");
  assert.ok(json);
  assert.deepEqual(head, {
    service: "shop",
    identity: "shop/oia2TjuEGTNoeX76QEjQNrcURxG8/22277834746191186",
    routingKey: "msg.text",
    format: "xml",
    ToUserName: "gh_7f083739789a",
    FromUserName: "oia2TjuEGTNoeX76QEjQNrcURxG8",
    CreateTime: 1348831860,
  });
});

test("the fields of a kind come first, in WeChat's order, as backends of the former program got them", () => {
  const { json } = parse(pushes[0]?.body ?? "");
  assert.equal(
    json,
    `{"ToUserName":"gh_7f083739789a","FromUserName":"oia2TjuEGTNoeX76QEjQNrcURxG8","CreateTime":1348831860,"MsgType":"text","MsgId":"22277834746191186","Content":"this is a test"}`,
  );
});

const heads: [name: string, body: string, expected: object][] = [
  [
    "64-bit numbers keep every digit",
    `{"FromUserName":"o1","MsgType":"text","MsgId":7014512345678901235,"CreateTime":1482048671}`,
    { identity: "shop/o1/7014512345678901235", routingKey: "msg.text", CreateTime: 1482048671 },
  ],
  [
    "neighbours beyond 2^53 are two pushes",
    `{"FromUserName":"o1","MsgType":"text","MsgId":9007199254740993}`,
    { identity: "shop/o1/9007199254740993", CreateTime: 0 },
  ],
  ["MsgId as text", `{"FromUserName":"o1","MsgType":"text","MsgId":"0A1"}`, { identity: "shop/o1/0A1" }],
  ["CreateTime as text", `{"MsgType":"event","Event":"x","CreateTime":"1610969440"}`, { CreateTime: 1610969440 }],
  ["a CreateTime that can be no timestamp", `{"MsgType":"text","CreateTime":-5}`, { CreateTime: 0 }],
  ["the last of a repeated name counts", `{"MsgType":"a","MsgType":"b"}`, { routingKey: "msg.b" }],
  ["names that are no text", `{"MsgType":null,"Event":true,"InfoType":{},"MsgId":[]}`, { routingKey: "msg._" }],
  ["__proto__ is only a name", `{"__proto__":{"MsgType":"text"}}`, { routingKey: "msg._" }],
  ["escapes in names", `{"Msg\\u0054ype":"text"}`, { routingKey: "msg.text" }],
  ["a byte order mark is left out", `\ufeff{"MsgType":"text"}`, { json: `{"MsgType":"text"}`, format: "json" }],
  [
    "a byte order mark before XML",
    `\ufeff<xml><MsgType>text</MsgType></xml>`,
    { routingKey: "msg.text", format: "xml" },
  ],
  ["blanks before XML", ` \n<xml><MsgType>text</MsgType></xml>`, { routingKey: "msg.text", format: "xml" }],
  [
    "the first of a repeated element counts",
    `<xml><MsgType>a</MsgType><MsgType>b</MsgType></xml>`,
    { routingKey: "msg.a" },
  ],
  ["an element where text should be", `<xml><MsgType><a>1</a></MsgType></xml>`, { routingKey: "msg._" }],
];
for (const [name, body, expected] of heads) {
  test(`head: ${name}`, () => assert.partialDeepStrictEqual(parse(body), expected));
}

test("known fields stay text and numbers, whatever a push holds there", () => {
  const { json } = parse(`<xml><MsgType>text</MsgType><Content><b>1</b></Content><MsgId>1</MsgId><MsgId>2</MsgId>
<CreateTime>12x</CreateTime><CreateTime>3</CreateTime><FromUserName>a</FromUserName></xml>`);
  assert.deepEqual(JSON.parse(json), {
    ToUserName: "",
    FromUserName: "a",
    CreateTime: 0,
    MsgType: "text",
    MsgId: "1",
    Content: "",
  });
});

const numbers: [sent: string, number: number][] = [
  ["20", 20],
  [" 20\n", 20],
  ["-3", -3],
  ["15.5", 0],
  ["", 0],
  ["1e3", 0],
  ["9007199254740991", 9007199254740991],
  ["9223372036854775808", 0],
];
for (const [sent, number] of numbers) {
  test(`Scale ${JSON.stringify(sent)} is the number ${number}`, () => {
    const { json } = parse(`<xml><MsgType>location</MsgType><Scale>${sent}</Scale></xml>`);
    assert.equal((JSON.parse(json) as { Scale: unknown }).Scale, number);
  });
}

test("in a kind that is not known, what is no integer stays as sent", () => {
  const { json } = parse(`<xml><MsgType>event</MsgType><Event>poem</Event><CreateTime>1700000000</CreateTime>
<Count>1.5</Count><Scale/><Poem><CreateTime>2024-01-02 03:04:05</CreateTime><Count>12345678901234567890</Count><Count>7</Count></Poem></xml>`);
  assert.deepEqual(JSON.parse(json), {
    MsgType: "event",
    Event: "poem",
    CreateTime: 1700000000,
    Count: "1.5",
    Scale: "",
    Poem: { CreateTime: "2024-01-02 03:04:05", Count: ["12345678901234567890", 7] },
  });
});

const malformed: [name: string, body: string, message: string][] = [
  ["nothing", "", "the body is neither XML nor a JSON object"],
  ["blanks", " \n", "the body is neither XML nor a JSON object"],
  ["text", "garbage", "the body is neither XML nor a JSON object"],
  ["a JSON array", `[{"MsgType":"text"}]`, "the body is neither XML nor a JSON object"],
  ["a JSON string", `"text"`, "the body is neither XML nor a JSON object"],
  ["another root", "<foo/>", "the body has no <xml> root element"],
  ["broken XML", "<xml><a></xml>", "the body is not well-formed XML"],
  ["broken JSON", `{"secret":"of a user"`, "the body is not a JSON object"],
  ["junk behind JSON", `{"a":1}{`, "the body is not a JSON object"],
  [
    "JSON of 100 000 levels",
    `{"MsgType":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
    "the body is not a JSON object",
  ],
];
for (const [name, body, message] of malformed) {
  test(`malformed push: ${name}`, () => {
    assert.throws(() => parse(body), { code: "MALFORMED_PUSH", status: 400, message });
  });
}

test("the keys that WeChat's documents know, and no other", () => {
  for (const key of ["msg.text", "event.CLICK", "event.channels_ec_order_pay", "info.authorized"])
    assert.ok(knownKey(key), key);
  for (const key of ["msg._", "event.click", "msg.poem", "toString", "__proto__"]) assert.ok(!knownKey(key), key);
});

test("texts of one byte and of more stand side by side, what is no UTF-8 is replaced, and a byte order mark is none of it", () => {
  const bytes = Buffer.concat([
    Buffer.from("\uFEFF<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oÜser]]></FromUserName>"),
    Buffer.from("<CreateTime>1</CreateTime><MsgType>text</MsgType><Content><![CDATA[发货 é 😀 "),
    Buffer.from([0xff, 0xe5, 0x8f]),
    Buffer.from("]]></Content><MsgId>7</MsgId></xml>"),
  ]);
  const push = parsePush(bytes, "shop");
  assert.deepEqual(JSON.parse(push.json), {
    ToUserName: "gh_1",
    FromUserName: "oÜser",
    CreateTime: 1,
    MsgType: "text",
    MsgId: "7",
    Content: "发货 é 😀 \uFFFD\uFFFD",
  });
  assert.equal(push.identity, "shop/o%C3%9Cser/7");
});

test("JSON behind a byte order mark and blanks", () => {
  const push = parse('\uFEFF \n{"MsgType":"text","FromUserName":"o1","MsgId":1}');
  assert.deepEqual([push.format, push.routingKey], ["json", "msg.text"]);
});

test("JSON with control characters in its strings: they are escaped, and nothing else is touched", () => {
  const push = parse('{\n\t"MsgType":"text", "Content":"a\u0014\n\\"\\\\\u0001b","MsgId":7014512345678901234}');
  assert.equal(
    push.json,
    String.raw`{
	"MsgType":"text", "Content":"a\u0014\u000a\"\\\u0001b","MsgId":7014512345678901234}`,
  );
  assert.throws(() => parse('{"MsgType":"te\u0001xt"'), { code: "MALFORMED_PUSH" });
  assert.throws(() => parse('{"MsgType":\u0001"text"}'), { code: "MALFORMED_PUSH" });
});
