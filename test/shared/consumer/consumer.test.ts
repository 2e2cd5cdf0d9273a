import assert from "node:assert/strict";
import { test } from "node:test";
import { createConsumer } from "../../../shared/consumer/consumer.ts";

test("many consumers of one process share what writes their lines", () => {
  createConsumer({ queue: "first" });
  const before = process.listenerCount("exit");
  for (let i = 0; i < 12; i++) createConsumer({ queue: `queue-${i}` });
  assert.equal(process.listenerCount("exit"), before);
});
