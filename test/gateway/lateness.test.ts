import assert from "node:assert/strict";
import { test } from "node:test";
import { createLateness } from "../../gateway/lateness.ts";

test("what is read may have lain for as long as this process is late, until it is not: at most 2 s", (t) => {
  let now = 1_000_000;
  t.mock.method(performance, "now", () => now);
  t.mock.timers.enable({ apis: ["setInterval"] });
  const lateness = createLateness();
  const told: number[] = [];
  /** Time passes while this process has no turn, then its timer comes. */
  const pass = (ms: number): void => {
    now += ms;
    told.push(lateness.ms());
    t.mock.timers.tick(100);
    told.push(lateness.ms());
  };
  pass(100);
  pass(1500);
  pass(100);
  pass(10_000);
  assert.deepEqual(told, [0, 0, 1400, 1400, 1400, 0, 2000, 2000]);
  lateness.close();
});
