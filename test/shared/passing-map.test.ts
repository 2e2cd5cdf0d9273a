import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { PassingMap, PassingSet } from "../../shared/passing-map.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options?: { type: "minor" }) => void;
const collectYoung = (): void => collect({ type: "minor" });

test("entries are there until they are deleted, in their order, however many went before", () => {
  const map = new PassingMap<string, number>();
  const expected = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    map.set(`${i}`, i);
    expected.set(`${i}`, i);
    const gone = `${i - (i % 7) * 9}`;
    assert.equal(map.delete(gone), expected.delete(gone));
    if (i % 3 === 0) {
      map.set(`${i - 1}`, -i);
      expected.set(`${i - 1}`, -i);
    }
    assert.equal(map.size, expected.size);
    assert.equal(map.get(`${i - 60}`), expected.get(`${i - 60}`));
  }
  assert.ok(map.size > 100);
  assert.deepEqual([...map], [...expected]);
  assert.deepEqual([...map.keys()], [...expected.keys()]);
});

test("a set holds a value once, and all may go while it is read", () => {
  const set = new PassingSet<number>();
  for (let i = 0; i < 5000; i++) set.add(i % 10);
  assert.deepEqual([...set], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const value of set) assert.equal(set.delete(value), true);
  assert.deepEqual([set.size, [...set], set.delete(3)], [0, [], false]);
});

test("what has passed through is gone when V8 collects what is young", () => {
  const map = new PassingMap<number, Uint8Array>();
  const [size, count, inFlight] = [1024, 20_000, 32];
  for (let i = 0; i < inFlight; i++) map.set(i, new Uint8Array(size));
  for (let i = 0; i < 3; i++) collectYoung(); // the table has grown old
  const before = process.memoryUsage().arrayBuffers;
  for (let i = inFlight; i < count; i++) {
    map.set(i, new Uint8Array(size));
    map.delete(i - inFlight);
    if (i % 500 === 0) collectYoung();
  }
  for (let i = 0; i < 2; i++) collectYoung();
  const kept = process.memoryUsage().arrayBuffers - before;
  assert.ok(kept < (count * size) / 4, `${kept} bytes of ${count * size} are still there`);
});
