import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { identityOf, readIdentity, type IdentityParts } from "../../../shared/wechat/identity.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");

function identity(changes: Partial<Omit<IdentityParts, "opened">> & { opened?: string }): string {
  const { opened = "<xml/>", ...parts } = changes;
  const base = { service: "shop", FromUserName: "oUSER", CreateTime: "1348831860", MsgId: "" };
  const kind = { MsgType: "event", Event: "subscribe", InfoType: "" };
  return identityOf({ ...base, ...kind, ...parts, opened: Buffer.from(opened) });
}
const message = (MsgId: string, FromUserName = "oUSER") =>
  identity({ MsgType: "text", Event: "", MsgId, FromUserName });

test("a message is named by its MsgId, every digit of it", () => {
  assert.equal(message("22277834746191186"), "shop/oUSER/22277834746191186");
  assert.equal(message("7014512345678901234"), "shop/oUSER/7014512345678901234");
});

test("a MsgId may repeat between users, and then names two pushes", () => {
  assert.notEqual(message("1", "oA"), message("1", "oB"));
});

test("the same message of two tries has one identity, whatever else the body says", () => {
  const [first, again] = ["<xml>1</xml>", "<xml>2</xml>"].map((opened) =>
    identity({ MsgType: "text", Event: "", MsgId: "1", opened }),
  );
  assert.equal(first, again);
});

test("an event is named by its time, its name and the digest of its body", () => {
  // printf '<xml>subscribe</xml>' | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | cut -c1-22
  assert.equal(identity({ opened: "<xml>subscribe</xml>" }), "shop/oUSER/1348831860.subscribe.VvxXTM38S78HvdkCyCIdSJ");
});

test("two events of one user in one second differ, and a repeat of one does not", () => {
  const bodies = ["<xml>SCAN 1</xml>", "<xml>SCAN 2</xml>"];
  const [first, second] = bodies.map((opened) => identity({ opened }));
  assert.notEqual(first, second);
  assert.equal(identity({ opened: bodies[0] ?? "" }), first);
});

test("an event's MsgId does not name it", () => {
  for (const MsgType of ["event", " EVENT\n"]) {
    assert.match(identity({ MsgType, MsgId: "77" }), /^shop\/oUSER\/1348831860\.subscribe\.[\w-]{22}$/);
  }
});

test("a message without MsgId and a third-party push are named like events", () => {
  assert.match(identity({ MsgType: "text", Event: "" }), /^shop\/oUSER\/1348831860\.text\.[\w-]{22}$/);
  const info = { MsgType: "", Event: "", InfoType: "authorized", FromUserName: "" };
  assert.match(identity(info), /^shop\/\/1348831860\.authorized\.[\w-]{22}$/);
});

const encoded: [FromUserName: string, written: string][] = [
  ["AZaz09._~-", "AZaz09._~-"],
  ["a/b", "a%2Fb"],
  ["a b%", "a%20b%25"],
  ["!'()*", "%21%27%28%29%2A"],
  ["中é", "%E4%B8%AD%C3%A9"],
  ["😀", "%F0%9F%98%80"],
  ["\n\0", "%0A%00"],
  ["\ud800", "%EF%BF%BD"],
];
for (const [given, written] of encoded) {
  test(`percent-encoding of ${JSON.stringify(given)}`, () => assert.equal(message("1", given), `shop/${written}/1`));
}

test("the service's name is encoded too, and parts cannot be mistaken for one another", () => {
  assert.equal(identity({ service: "小店/1", MsgType: "text", MsgId: "9" }), "%E5%B0%8F%E5%BA%97%2F1/oUSER/9");
  assert.notEqual(identity({ service: "a/b", FromUserName: "c" }), identity({ service: "a", FromUserName: "b/c" }));
});

test("up to 200 bytes stay, above the last part becomes its SHA-256", () => {
  const room = 200 - "shop/oUSER/".length;
  assert.equal(message("9".repeat(room)), `shop/oUSER/${"9".repeat(room)}`);
  assert.equal(message("9".repeat(room + 1)), `shop/oUSER/${sha256("9".repeat(room + 1))}`);
});

test("whatever the parts, an identity has at most 200 bytes and stays one of its own", () => {
  const long = identity({ service: "小".repeat(33), FromUserName: "o".repeat(300), MsgType: "text", MsgId: "1" });
  const other = identity({ service: "小".repeat(33), FromUserName: "o".repeat(301), MsgType: "text", MsgId: "1" });
  for (const one of [long, other]) assert.ok(one.length <= 200, `${one.length} bytes`);
  assert.match(long, /^[\w.~%-]+\/[\w-]{43}\/[\w-]{43}$/);
  assert.notEqual(long, other);
});

const read: [identity: string, service: string | undefined, FromUserName: string | undefined][] = [
  [message("1"), "shop", "oUSER"],
  [identity({ service: "小店/1", FromUserName: "a/b" }), "小店/1", "a/b"],
  [identity({ FromUserName: "" }), "shop", undefined],
  [message("1", "o".repeat(43)), "shop", "o".repeat(43)],
  [message("9".repeat(300)), "shop", "oUSER"],
  [message("1", "o".repeat(300)), "shop", undefined],
  ["shop/oUSER", undefined, undefined],
  ["shop/oUSER/1/2", undefined, undefined],
  ["shop/%zz/1", undefined, undefined],
  ["", undefined, undefined],
];
for (const [written, service, FromUserName] of read) {
  test(`read back: ${written.slice(0, 60)}`, () => {
    assert.deepEqual(readIdentity(written), service === undefined ? undefined : { service, FromUserName });
  });
}
