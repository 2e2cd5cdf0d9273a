import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ReadyList, type Placed } from "../../../shared/bus/ready-list.ts";
import { check } from "../../fuzz/check.ts";

/** What is done with a list, as often as told; `putBack` puts back one of those taken, wherever it stood. */
const step = fc.record({
  act: fc.constantFrom("append", "shift", "putBack"),
  times: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1000, max: 1500 })),
  which: fc.nat(),
});

test("messages come out in the order of their places, also those that were put back", async () => {
  await check(fc.property(fc.array(step, { maxLength: 30 }), behavesLikeSorted), 200);
});

function behavesLikeSorted(steps: { act: string; times: number; which: number }[]): void {
  const list = new ReadyList<Placed>();
  const expected: Placed[] = [];
  const taken: Placed[] = [];
  let places = 0;
  for (const { act, times, which } of steps) {
    for (let i = 0; i < times; i++) {
      if (act === "append") {
        const item = { place: places++ };
        list.append(item);
        expected.push(item);
      } else if (act === "shift") {
        const item = list.shift();
        assert.equal(item, expected.shift());
        if (item !== undefined) taken.push(item);
      } else {
        const [item] = taken.splice(which % Math.max(taken.length, 1), 1);
        if (item === undefined) break;
        list.putBack(item);
        const behind = expected.findIndex(({ place }) => place > item.place);
        expected.splice(behind === -1 ? expected.length : behind, 0, item);
      }
      assert.equal(list.length, expected.length);
      assert.equal(list.first, expected[0]);
    }
  }
  while (expected.length > 0) assert.equal(list.shift(), expected.shift());
  assert.equal(list.shift(), undefined);
}
