import assert from "node:assert/strict";
import { test } from "node:test";
import { createDispatching, until } from "./dispatching.ts";

test("how many dead letters there are is told every 15 s, with a warning from 80 % of what their queue takes", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { bus, names, metrics, lines } = await createDispatching(t);
  const told = () => lines.filter((line) => line.includes("the dead-letter queue fills up"));
  /** The gauge, which is set a moment after the clock has struck. */
  const deadMessages = async (): Promise<string | undefined> => {
    t.mock.timers.tick(15_000);
    await new Promise(setImmediate);
    return /^wx_dead_messages (.*)$/m.exec(await metrics.registry.metrics())?.[1];
  };
  await bus.publish(
    { exchange: "", routingKey: names.dead, body: Buffer.from("{}"), properties: {} },
    { timeout: 1000 },
  );
  assert.equal(await deadMessages(), "1");
  const depths = [799_999, 800_000];
  bus.depth = async () => depths.shift(); // more than this bus takes
  assert.equal(await deadMessages(), "799999");
  assert.deepEqual(told(), []);
  assert.equal(await deadMessages(), "800000");
  await until(() => told().length === 1, "a warning");
  assert.partialDeepStrictEqual(JSON.parse(told()[0] ?? ""), { level: 40, messages: 800_000, limit: 1_000_000 });
  assert.equal(await deadMessages(), "800000", "a broker that does not answer changes nothing");
});
