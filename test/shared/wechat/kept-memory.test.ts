import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parsePush } from "../../../shared/wechat/push.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;
/** V8 keeps the shapes of objects, and so names of properties, for some collections longer. */
function collect(): void {
  for (let i = 0; i < 5; i++) gc();
}

const MB = 1024 * 1024;
const COUNT = 40;
const long = "a".repeat(MB / 4);
const text = (i: number, user: string, rest = ""): string =>
  `<xml><FromUserName>${user}</FromUserName><MsgType>text</MsgType><MsgId>${i}</MsgId>${rest}</xml>`;

const pushes: Record<string, (i: number) => string> = {
  "a long FromUserName": (i) => text(i, `${i}/${long}`),
  "a long FromUserName of many characters to encode": (i) => text(i, `${i}${"/".repeat(MB / 4)}`),
  "a FromUserName to encode, and a long body": (i) => text(i, `o/0000000000000000${i}`, `<Content>${long}</Content>`),
  "a long event": (i) => `<xml><MsgType>event</MsgType><Event>${i} ${long}</Event></xml>`,
  "an element with a long name": (i) => text(i, "o", `<n${i}${long}>1</n${i}${long}>`),
};

for (const [what, push] of Object.entries(pushes)) {
  test(`nothing is kept of pushes that have gone by: ${what}`, () => {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < COUNT; i++) parsePush(Buffer.from(push(i)), "shop");
    collect();
    const kept = process.memoryUsage().heapUsed - before;
    assert.ok(kept < 2 * MB, `${kept} bytes of ${COUNT} pushes are still there`);
  });
}
