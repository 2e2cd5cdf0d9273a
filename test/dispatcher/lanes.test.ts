import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createLanes } from "../../dispatcher/lanes.ts";

/** Works that each end when they are told to, and what has begun so far. */
function createWorks() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => async (): Promise<void> => {
    begun.push(name);
    await new Promise<void>((resolve) => ends.set(name, resolve));
  };
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await nextTurn();
  };
  return { begun, work, end };
}

test("one lane's works come one after another in the order added, and lanes run side by side", async () => {
  const lanes = createLanes(10);
  const { begun, work, end } = createWorks();
  for (const name of ["a1", "a2", "b1", "b2"]) lanes.add(name.charAt(0), work(name));
  await nextTurn();
  assert.deepEqual(begun, ["a1", "b1"]);
  await end("b1");
  await end("a1");
  assert.deepEqual(begun, ["a1", "b1", "b2", "a2"]);
});

test("no more works run at once than there are places, and the lane that waits longest is next", async () => {
  const lanes = createLanes(2);
  const { begun, work, end } = createWorks();
  for (const name of ["a1", "b1", "c1", "d1", "a2"]) lanes.add(name.charAt(0), work(name));
  await nextTurn();
  assert.deepEqual(begun, ["a1", "b1"]);
  await end("a1");
  await end("b1");
  await end("c1");
  assert.deepEqual(begun, ["a1", "b1", "c1", "d1", "a2"]);
});

test("a work that pauses leaves its place to others, and its lane still waits for it", async () => {
  const lanes = createLanes(1);
  const { begun, work } = createWorks();
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  lanes.add("a", async () => {
    await lanes.pause(20);
    begun.push("a1 again");
    wake();
  });
  lanes.add("a", work("a2"));
  lanes.add("b", async () => void begun.push("b1"));
  await woken;
  await nextTurn();
  assert.deepEqual(begun, ["b1", "a1 again", "a2"]);
});

test("a lane that has come to its end takes more", async () => {
  const lanes = createLanes(1);
  const { begun, work, end } = createWorks();
  for (const name of ["a1", "a2"]) {
    lanes.add("a", work(name));
    await nextTurn();
    await end(name);
  }
  assert.deepEqual(begun, ["a1", "a2"]);
});

test("after its pause a work waits for a place, so that no more than so many ever run at once", async () => {
  const lanes = createLanes(1);
  const { begun, work, end } = createWorks();
  const woken = Promise.withResolvers<void>();
  lanes.add("a", async () => {
    await lanes.pause(1);
    begun.push("a1 again");
    woken.resolve();
  });
  for (const name of ["b1", "c1", "d1"]) lanes.add(name.charAt(0), work(name));
  await nextTurn();
  for (const name of ["b1", "c1", "d1"]) await end(name);
  await woken.promise;
  lanes.add("e", work("e1"));
  lanes.add("f", work("f1"));
  await nextTurn();
  assert.deepEqual(begun.toSorted(), ["a1 again", "b1", "c1", "d1", "e1"]);
});

test("stopped lanes begin nothing more, and pauses end at once", async () => {
  const lanes = createLanes(1);
  const { begun, work, end } = createWorks();
  const paused = Promise.withResolvers<void>();
  lanes.add("p", () => lanes.pause(60_000).catch(() => paused.resolve()));
  for (const name of ["a1", "a2", "b1"]) lanes.add(name.charAt(0), work(name));
  await nextTurn();
  lanes.stop();
  lanes.add("c", work("c1"));
  await end("a1");
  await paused.promise;
  assert.equal(lanes.stopped, true);
  assert.deepEqual(begun, ["a1"]);
});
