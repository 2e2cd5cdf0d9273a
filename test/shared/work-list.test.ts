import assert from "node:assert/strict";
import { test } from "node:test";
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
