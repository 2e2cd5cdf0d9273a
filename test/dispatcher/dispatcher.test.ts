import assert from "node:assert/strict";
import { test } from "node:test";
import { createHeldAnswer } from "../support/backend-server.ts";
import { createDispatching, until } from "./dispatching.ts";

test("how many dead letters there are is told every 15 s, with a warning from 80 % of what their queue takes", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const top = { amqp: { url: "amqp://127.0.0.1" } };
  const { bus, names, metrics, lines } = await createDispatching(t, { top });
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

test("without RabbitMQ the warning comes from 80 % of what the in-process bus takes, dead letters and all", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { bus, lines } = await createDispatching(t);
  const told = () => lines.filter((line) => line.includes("the dead-letter queue fills up"));
  for (const [depth, warnings] of [
    [159_999, 0],
    [160_000, 1],
  ] as const) {
    bus.depth = async () => depth;
    t.mock.timers.tick(15_000);
    await new Promise(setImmediate);
    assert.equal(told().length, warnings);
  }
  assert.partialDeepStrictEqual(JSON.parse(told()[0] ?? ""), { level: 40, messages: 160_000, limit: 200_000 });
});

test("an in-process bus that is full takes what its deliveries wait for, retries and replies: else nothing would ever leave it", async (t) => {
  const failure = createHeldAnswer("reset");
  const settings = { concurrency: 2, retry: ["100ms"] };
  const limits = { messages: 2, bytes: 1_000_000 };
  const { backend, names, publish, watch } = await createDispatching(t, { handler: failure.handler, settings, limits });
  const nextReply = watch(names.repliesOf("i"));
  const publishAs = (identity: string) => publish({ properties: { messageId: identity, correlationId: identity } });
  await publishAs("shop/oUSER/1");
  await publishAs("shop/oUSER/2");
  await backend.next(2);
  await assert.rejects(publishAs("shop/oUSER/3"), { code: "NACKED" });
  backend.answer({ body: { type: "text", msg: "taken" } });
  failure.release();
  const replies = [await nextReply(), await nextReply()];
  const replied = replies.map(({ properties }) => String(properties.correlationId));
  assert.deepEqual(replied.toSorted(), ["shop/oUSER/1", "shop/oUSER/2"]);
});
