import assert from "node:assert/strict";
import { test } from "node:test";
import { readPush } from "../../../shared/consumer/push.ts";

test("integers beyond 2^53 are bigint, all other values as JSON has them", () => {
  const json = `{"id":3705115058471208928,"negative":-9007199254740993,"safe":9007199254740991,"text":"3705115058471208928",
    "fraction":0.1234567890123456,"big":1e300,"list":[{"id":9007199254740992}]}`;
  assert.deepEqual(readPush(Buffer.from(json)), {
    id: 3705115058471208928n,
    negative: -9007199254740993n,
    safe: 9007199254740991,
    text: "3705115058471208928",
    fraction: 0.1234567890123456,
    big: 1e300,
    list: [{ id: 9007199254740992n }],
  });
  assert.deepEqual(readPush(Buffer.from('{"CreateTime":1700000001}')), { CreateTime: 1700000001 });
  assert.throws(() => readPush(Buffer.from("{")), SyntaxError);
});
