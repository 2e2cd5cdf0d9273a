import assert from "node:assert/strict";
import { test } from "node:test";
import { planQueue, type QueueOptions } from "../../../shared/consumer/plan.ts";

const bound = (options: object) =>
  planQueue({ queue: "shop", ...options }, ["msg.*"], "wx")
    .topology.bindings.filter(({ destination }) => destination === "shop")
    .map(({ source, routingKey }) => `${source} ${routingKey}`);
const laddered = (failures: "bridge" | "own") => {
  const { ladder } = planQueue({ queue: "shop", retry: ["2s"], failures }, ["#"], "wx");
  return [ladder.retryTo({ name: "2s", ms: 2000 }), ladder.dead];
};

test("the queue is bound with the handlers' patterns, or with those given", () => {
  assert.deepEqual(bound({}), ["wx.events msg.*"]);
  assert.deepEqual(bound({ service: "a", bind: ["#"] }), ["wx.events.a #"]);
  assert.deepEqual(bound({ exchange: "enriched" }), ["wx.enriched msg.*"]);
  assert.deepEqual(bound({ exchange: "enriched", service: "a", failures: "own" }), [
    "wx.enriched.a msg.*",
    "shop.again ",
  ]);
});

test("failed deliveries wait in the bridge's queues, or in the consumer's own", () => {
  assert.deepEqual(laddered("bridge"), [
    { exchange: "wx.retry.2s", routingKey: "shop" },
    { exchange: "", routingKey: "wx.dead" },
  ]);
  assert.deepEqual(laddered("own"), [
    { exchange: "shop.retry.2s", routingKey: "shop" },
    { exchange: "shop.dead", routingKey: "shop" },
  ]);
});

test("a pattern that no routing key matches is a fault: its consumer would wait in vain", () => {
  for (const pattern of ["text", "*", "event.shop.CLICK", "msg.#.a.b"]) {
    assert.throws(() => bound({ bind: ["msg.*", pattern] }), /every pattern must be one such as "msg\.\*"/, pattern);
  }
  for (const pattern of ["#", "msg.#", "#.text", "msg.text", "*.*", "#.msg.#.text.#"]) {
    assert.deepEqual(bound({ bind: [pattern] }), [`wx.events ${pattern}`]);
  }
});

test("all faults are told at once", () => {
  assert.throws(() => planQueue({ queue: "wx.dead", prefetch: 0, concurrency: 1, retry: ["soon"] }, [], "wx"), {
    code: "CONFIG_INVALID",
    message:
      'consumer wx.dead: queue may not begin with "wx.": those are wx-bridge\'s own; ' +
      "there is no handler and nothing to bind to: call on() first; prefetch must be a whole number from 1 to 65535; " +
      'retry must be a list of delays such as "10s" from 100ms to 7d',
  });
  assert.throws(() => planQueue({ queue: "shop" }, ["msg text"], "wx"), /every pattern must be one such as "msg\.\*"/);
  assert.throws(
    () => planQueue({ queue: "shop", failures: "ownn" as "own" }, ["#"], "wx"),
    /failures must be "bridge" or "own"/,
  );
  for (const queue of ["", "小店".repeat(50)]) {
    assert.throws(() => planQueue({ queue }, ["#"], "wx"), /queue must be a name of 1 to 255 bytes/);
  }
  assert.throws(() => planQueue({ queue: "amq.shop" }, ["#"], "wx"), /queue may not begin with "amq\."/);
  assert.throws(() => planQueue({ queue: "shop", prefetch: 65_536 }, ["#"], "wx"), /prefetch must be .* to 65535/);
  const queue = "q".repeat(250);
  assert.throws(
    () => planQueue({ queue, failures: "own" }, ["#"], "wx"),
    /queue must be shorter, as q+\.retry\.\d+s is/,
  );
  assert.equal(planQueue({ queue }, ["#"], "wx").queue, queue);
});

const sizesOf = (options: Partial<QueueOptions>) => {
  const { prefetch, concurrency } = planQueue({ queue: "shop", ...options }, ["#"], "wx");
  return [prefetch, concurrency];
};

test("prefetch follows concurrency, so that nothing waits in the process unless it is asked for", () => {
  assert.deepEqual(sizesOf({}), [256, 256]);
  assert.deepEqual(sizesOf({ concurrency: 4 }), [4, 4]);
  assert.deepEqual(sizesOf({ prefetch: 10 }), [10, 10]);
  assert.deepEqual(sizesOf({ prefetch: 10, concurrency: 4 }), [10, 4]);
  assert.deepEqual(sizesOf({ concurrency: 100_000 }), [65_535, 100_000]);
});
