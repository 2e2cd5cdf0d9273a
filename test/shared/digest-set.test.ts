import assert from "node:assert/strict";
import { test } from "node:test";
import { DigestSet, digestOf } from "../../shared/digest-set.ts";

// The first one: what those below have had and given back would be in the figures.
test("a set takes its memory from the system not before it is used, and then all of it with the first hundredth", () => {
  const start = process.memoryUsage.rss();
  const set = new DigestSet(1_000_000);
  const empty = process.memoryUsage.rss() - start;
  assert.ok(empty < 4_000_000, `${empty} bytes before the first entry`);
  for (let i = 0; i < 10_000; i++) set.add(digestOf(`${i}`));
  const used = process.memoryUsage.rss() - start;
  assert.ok(used > 14_000_000, `${used} bytes with a hundredth of the entries`);
});

test("remembers what was added, once", () => {
  const set = new DigestSet(3);
  assert.equal(set.has(digestOf("a")), false);
  assert.equal(set.add(digestOf("a")), false);
  assert.equal(set.add(digestOf("a")), false);
  assert.deepEqual([set.size, set.has(digestOf("a")), set.has(digestOf("b"))], [1, true, false]);
});

test("digests that differ in one word alone are two", () => {
  const set = new DigestSet(5);
  const digests = [0, 1, 2, 3].map((word) => Uint32Array.from([7, 7, 7, 7], (value, i) => (i === word ? 8 : value)));
  for (const digest of digests) {
    assert.equal(set.has(digest), false);
    set.add(digest);
  }
  assert.deepEqual([set.size, digests.every((digest) => set.has(digest))], [4, true]);
});

test("the oldest goes first, and adding again does not make it younger", () => {
  const set = new DigestSet(3);
  for (const text of ["a", "b", "c", "a"]) assert.equal(set.add(digestOf(text)), false);
  assert.equal(set.add(digestOf("d")), true);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((text) => set.has(digestOf(text))),
    [false, true, true, true],
  );
  assert.equal(set.add(digestOf("a")), true);
  assert.deepEqual([set.has(digestOf("b")), set.has(digestOf("a")), set.size], [false, true, 3]);
});

test("a set of one keeps the last", () => {
  const set = new DigestSet(1);
  for (let i = 0; i < 100; i++) {
    assert.equal(set.add(digestOf(`${i}`)), i > 0);
    assert.deepEqual([set.has(digestOf(`${i}`)), set.has(digestOf(`${i - 1}`)), set.size], [true, false, 1]);
  }
});

/** A generator whose numbers a failing run can be repeated with (Numerical Recipes' linear congruence). */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

for (const capacity of [1, 2, 7, 50, 64]) {
  test(`behaves like a Set in the order of arrival: capacity ${capacity}`, () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = createRandom(seed);
      const set = new DigestSet(capacity);
      const model = new Set<string>();
      for (let step = 0; step < 500; step++) {
        const text = `o${random(capacity * 3)}`;
        const overflows = !model.has(text) && model.size === capacity;
        const [oldest] = model;
        if (overflows && oldest !== undefined) model.delete(oldest);
        model.add(text);
        assert.equal(set.add(digestOf(text)), overflows, `seed ${seed}, step ${step}`);
        assert.equal(set.size, model.size);
      }
      for (let i = 0; i < capacity * 3; i++) {
        assert.equal(set.has(digestOf(`o${i}`)), model.has(`o${i}`), `seed ${seed}, o${i}`);
      }
    }
  });
}

test("a million identities take no more memory than their digests", () => {
  const before = process.memoryUsage().arrayBuffers;
  const set = new DigestSet(1_000_000);
  const perEntry = (process.memoryUsage().arrayBuffers - before) / 1_000_000;
  assert.ok(perEntry > 16 && perEntry < 26, `${perEntry} bytes`);
  assert.equal(set.size, 0);
});
