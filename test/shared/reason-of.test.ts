import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonOf } from "../../shared/reason-of.ts";

const reasons: [thrown: string, error: unknown, reason: string][] = [
  ["an error", new Error("why"), "why"],
  ["an error with a code alone", Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
  ["an error whose message is an object", Object.assign(new Error(), { message: { why: 1 } }), "[object Object]"],
  ["an error that says nothing", new TypeError(), "TypeError"],
  ["a text", "why", "why"],
  ["a number", 42, "42"],
  ["nothing", undefined, "undefined"],
  ["an object", { why: 1 }, "[object Object]"],
  ["an object that cannot be made a text", Object.create(null), "[object Object]"],
];
for (const [thrown, error, reason] of reasons) {
  test(`what was thrown is ${thrown}`, () => assert.equal(reasonOf(error), reason));
}
