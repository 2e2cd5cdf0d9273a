import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { watchUnconsumed } from "../../gateway/unconsumed.ts";
import { MemoryBus } from "../../shared/bus/memory-bus.ts";
import { createNames } from "../../shared/bus/names.ts";
import { createBench } from "../shared/bus/bench.ts";
import { createTestLog } from "../shared/bus/test-log.ts";
import { accountOf } from "../shared/config/sample-config.ts";

test("events that come where no dispatcher is are told of, also later, and once", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const bus = new MemoryBus();
  t.after(() => bus.close());
  const { prefix, declareQueue, send } = createBench(bus);
  const queue = await declareQueue("dispatch.shop");
  const { log, lines } = createTestLog();
  const accounts = [await accountOf({ name: "shop", delivery: "amqp" })];
  t.after(watchUnconsumed({ accounts, bus, names: createNames(prefix), log }));
  const told = async () => {
    for (let i = 0; i < 5; i++) await turn();
    return lines.all.map(({ msg, ...line }) => [msg, line["queue"], line["messages"]]);
  };
  assert.deepEqual(await told(), []);
  await send(queue, "back from a retry queue");
  t.mock.timers.tick(60_000);
  const first = ["events are left in a queue that nobody consumes", queue, 1];
  assert.deepEqual(await told(), [first]);
  t.mock.timers.tick(60_000);
  assert.deepEqual(await told(), [first]);
  await send(queue, "1", "2");
  t.mock.timers.tick(60_000);
  assert.deepEqual(await told(), [first, [first[0], queue, 3]]);
});
