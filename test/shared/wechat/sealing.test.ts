import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { test } from "node:test";
import { isFailure } from "../../../shared/failure.ts";
import { createSealer } from "../../../shared/wechat/sealing.ts";
import { createCrypt } from "../../support/wechat-crypt.ts";
import { vectors } from "./vectors.ts";

const aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const appId = "wxb11529c136998cb6";
const sealer = createSealer(aesKey);
const crypt = createCrypt({ aesKey, appId });

/** Encrypts bytes as they are: no random, no length, no padding of their own. */
function encrypt(plain: Buffer): string {
  const key = Buffer.from(`${aesKey}=`, "base64");
  const cipher = createCipheriv("aes-256-cbc", key, key.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(plain), cipher.final()]).toString("base64");
}

/** 16 random bytes, a length, and what follows. */
function plain(length: number, rest: Buffer): Buffer {
  const head = Buffer.alloc(20, "r");
  head.writeUInt32BE(length, 16);
  return Buffer.concat([head, rest]);
}

function assertUndecryptable(sealed: string): void {
  assert.throws(
    () => sealer.open(sealed),
    (error) =>
      isFailure(error, "UNDECRYPTABLE") &&
      error.status === 400 &&
      /^the sealed text cannot be opened with this account's aes-key: its [a-z ]+$/.test(error.message),
  );
}

/** What the documents show beside their examples. */
const contents: Record<string, string> = {
  "AES JSON push": `{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}`,
  "third-party platform XML push (no MsgType but InfoType; the trailing id is the component AppID)": `<xml><ToUserName><![CDATA[gh_97417a04a28d]]></ToUserName>
<FromUserName><![CDATA[o9AgO5Kd5ggOC-bXrbNODIiE3bGY]]></FromUserName>
<CreateTime>1715943329</CreateTime>
<MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[debug_demo]]></Event>
<debug_str><![CDATA[hello world]]></debug_str>
</xml>`,
};

for (const vector of vectors.sealed) {
  test(`opens WeChat's example: ${vector.case}`, () => {
    const opened = createSealer(vector.encodingAESKey).open(vector.encrypt);
    assert.equal(opened.appId, vector.appId);
    assert.equal(opened.content.toString(), vector.plain ?? contents[vector.case]);
  });
}

test("opens what it sealed, and so does an independent implementation", () => {
  for (const text of ["", "a", "我是中文abcd123", "😀".repeat(1000), "\0\n]]>", "x".repeat(100_000)]) {
    const sealed = sealer.seal(text, appId);
    assert.equal(crypt.open(sealed), text);
    const opened = sealer.open(sealed);
    assert.deepEqual([opened.content.toString(), opened.appId], [text, appId]);
  }
});

test("the same text is sealed differently each time", () => {
  assert.notEqual(sealer.seal("hello", appId), sealer.seal("hello", appId));
});

test("opens every amount of padding from 1 to 32, and seals with it", () => {
  const pads = new Set<number>();
  for (let length = 0; length < 32; length++) {
    const text = "x".repeat(length);
    assert.equal(sealer.open(crypt.seal(text)).content.toString(), text);
    const sealed = sealer.seal(text, appId);
    assert.equal(crypt.open(sealed), text); // throws unless padded to a multiple of 32
    pads.add(Buffer.from(sealed, "base64").length - 20 - length - appId.length);
  }
  assert.deepEqual(
    [...pads].sort((a, b) => a - b),
    Array.from({ length: 32 }, (_, i) => i + 1),
  );
});

test("keys that differ only in the unused bits of the last character are one key", () => {
  for (const last of ["E", "F", "G", "H"]) {
    const opened = createSealer(aesKey.slice(0, -1) + last).open(crypt.seal("hello"));
    assert.equal(opened.content.toString(), "hello");
  }
  assert.throws(() => createSealer(`${aesKey.slice(0, -1)}I`).open(crypt.seal("hello")), { code: "UNDECRYPTABLE" });
});

for (const key of ["", aesKey.slice(0, 42), `${aesKey}AA`, `${aesKey.slice(0, 20)}!!${aesKey.slice(22)}`]) {
  test(`${JSON.stringify(key)} is no EncodingAESKey`, () => {
    assert.throws(() => createSealer(key), { code: "CONFIG_INVALID" });
  });
}

const whole = Buffer.from(crypt.seal("hello, world"), "base64");
const undecryptable: [name: string, sealed: string][] = [
  ["nothing", ""],
  ["not base64", "!!!!"],
  ["plain text", "hello"],
  ["one block of 16", whole.subarray(0, 16).toString("base64")],
  ["truncated inside a block", whole.subarray(0, -1).toString("base64")],
  ["truncated by a block", whole.subarray(0, -16).toString("base64")],
  ["zeros", Buffer.alloc(64).toString("base64")],
  ["padding 0", encrypt(plain(5, Buffer.concat([Buffer.from("hello"), Buffer.alloc(7, 0)])))],
  ["padding 33", encrypt(plain(5, Buffer.concat([Buffer.from("hello"), Buffer.alloc(71, 33)])))],
  ["padding 255", encrypt(Buffer.alloc(64, 255))],
  [
    "padding of unequal bytes",
    encrypt(plain(5, Buffer.concat([Buffer.from("hello"), Buffer.from([1, 1, 1, 1, 1, 1, 7])]))),
  ],
  ["padding longer than the content", encrypt(Buffer.alloc(32, 32))],
  ["padding into the length", encrypt(Buffer.concat([Buffer.alloc(19, "r"), Buffer.alloc(13, 13)]))],
  ["length past the end", encrypt(plain(6, Buffer.concat([Buffer.from("hello"), Buffer.alloc(7, 7)])))],
  ["length of 2^32 - 1", encrypt(plain(0xffffffff, Buffer.concat([Buffer.from("hello"), Buffer.alloc(7, 7)])))],
  ["sealed with another key", createCrypt({ aesKey: "A".repeat(43), appId }).seal("hello")],
];
for (const [name, sealed] of undecryptable) {
  test(`undecryptable: ${name}`, () => assertUndecryptable(sealed));
}

test("no flipped bit of a sealed text makes anything but an opened text or UNDECRYPTABLE", () => {
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = Buffer.from(whole);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      const { content, appId: id } = sealer.open(bytes.toString("base64"));
      assert.notDeepEqual([bit > 127, content.toString(), id], [true, "hello, world", appId]);
    } catch (error) {
      assert.ok(isFailure(error, "UNDECRYPTABLE"), String(error));
    }
  }
});

test("content and AppID may be empty, and the AppID is what follows the content", () => {
  const none = sealer.open(encrypt(plain(0, Buffer.alloc(12, 12))));
  assert.deepEqual([none.content.length, none.appId], [0, ""]);
  const short = sealer.open(encrypt(plain(2, Buffer.concat([Buffer.from("hello"), Buffer.alloc(7, 7)]))));
  assert.deepEqual([short.content.toString(), short.appId], ["he", "llo"]);
});
