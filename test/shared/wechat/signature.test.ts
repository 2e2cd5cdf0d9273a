import assert from "node:assert/strict";
import { test } from "node:test";
import { signatureMatches, signatureOf } from "../../../shared/wechat/signature.ts";
import { vectors } from "./vectors.ts";

for (const { case: name, token, timestamp, nonce, signature } of vectors.signatures) {
  test(`signature of ${name}`, () => {
    assert.equal(signatureOf(token, timestamp, nonce), signature);
    assert.equal(signatureMatches(signature, token, timestamp, nonce), true);
  });
}

for (const { case: name, token = "", timestamp = "", nonce = "", encrypt, msg_signature = "" } of vectors.sealed) {
  if (msg_signature === "") continue;
  test(`msg_signature of ${name}`, () => {
    assert.equal(signatureOf(token, timestamp, nonce, encrypt), msg_signature);
    assert.equal(signatureMatches(msg_signature, token, timestamp, nonce, encrypt), true);
  });
}

const parts = ["AAAAA", "1714036504", "1514711492"] as const;
const right = "f464b24fc39322e44b38aa78f5edd27bd1441696";

const wrong: [name: string, given: string][] = [
  ["empty", ""],
  ["upper case", right.toUpperCase()],
  ["one digit changed", `e${right.slice(1)}`],
  ["one digit short", right.slice(0, -1)],
  ["one digit long", `${right}0`],
  ["as many characters but more bytes", `${right.slice(0, -1)}é`],
  ["blanks round it", ` ${right} `],
];
for (const [name, given] of wrong) {
  test(`a signature is refused: ${name}`, () => assert.equal(signatureMatches(given, ...parts), false));
}

test("a signature is of these parts, in any order", () => {
  assert.equal(signatureMatches(right, parts[2], parts[0], parts[1]), true);
  assert.equal(signatureMatches(right, "BBBBB", parts[1], parts[2]), false);
  assert.equal(signatureMatches(right, parts[0], parts[1], "1514711493"), false);
});
