import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemo } from "../../shared/memo.ts";

test("each key is worked out once, also what is undefined, and those beyond the limit each time", () => {
  const worked: string[] = [];
  const lengthOf = createMemo(2, (key) => {
    worked.push(key);
    return key.length || undefined;
  });
  assert.deepEqual(["", "bb", "ccc", "", "bb", "ccc"].map(lengthOf), [undefined, 2, 3, undefined, 2, 3]);
  assert.deepEqual(worked, ["", "bb", "ccc", "ccc"]);
});
