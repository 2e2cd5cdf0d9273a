import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Delivery } from "../../shared/bus/bus.ts";
import { createWorkList } from "../../shared/work-list.ts";

const forever = (): Promise<void> => new Promise(() => {});

test("what waits is bounded by prefetch: deliveries of lost connections do not pile up", () => {
  const list = createWorkList(1, 2);
  let connection = 0;
  const given: number[] = [];
  const deliver = (): void => {
    const from = connection;
    const delivery: Pick<Delivery, "isGone" | "requeue"> = {
      isGone: () => from < connection,
      requeue: () => given.push(from),
    };
    list.add(delivery as Delivery, forever);
  };
  deliver(); // at work, for ever
  for (connection = 1; connection <= 100; connection++) {
    deliver();
    deliver();
  }
  list.giveBack();
  assert.deepEqual(given, [100, 100]);
});

test("it is stuck once all are at work that may be, and since the last one began or ended", async () => {
  const list = createWorkList(2, 2);
  const first = Promise.withResolvers<void>();
  const delivery = { isGone: () => false } as Delivery;
  list.add(delivery, () => first.promise);
  await nextTurn();
  assert.equal(list.stuckFor(), 0, "there is room for one more");
  list.add(delivery, forever);
  await nextTurn();
  assert.ok(list.stuckFor() > 0);
  first.resolve();
  await nextTurn();
  assert.equal(list.stuckFor(), 0);
});

test("a delivery that is gone when its turn comes is left out, and what waits or comes at the stop is given back unbegun", async () => {
  const list = createWorkList(1, 10);
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const gone = new Set<string>();
  const seen: string[] = [];
  const add = (name: string, work: Promise<void>): void => {
    const delivery: Pick<Delivery, "isGone" | "requeue"> = {
      isGone: () => gone.has(name),
      requeue: () => seen.push(`${name} given back`),
    };
    list.add(delivery as Delivery, async () => {
      seen.push(`${name} begun`);
      await work;
    });
  };
  add("first", first.promise);
  add("lost", forever());
  add("second", second.promise);
  gone.add("lost");
  first.resolve();
  await nextTurn();
  assert.deepEqual(seen.splice(0), ["first begun", "second begun"]);
  add("waiting", forever());
  const stopped = list.stop();
  second.resolve();
  await stopped;
  add("late", forever());
  list.giveBack();
  assert.deepEqual(seen, ["waiting given back", "late given back"]);
  await createWorkList(1, 1).stop(); // nothing is under way to be waited for
});
