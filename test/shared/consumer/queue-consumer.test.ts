import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { MemoryBus } from "../../../shared/bus/memory-bus.ts";
import { createNames } from "../../../shared/bus/names.ts";
import type { Context } from "../../../shared/consumer/context.ts";
import { HandlerTable, type Handler } from "../../../shared/consumer/handlers.ts";
import { planQueue, type QueueOptions } from "../../../shared/consumer/plan.ts";
import { createQueueConsumer } from "../../../shared/consumer/queue-consumer.ts";
import { createArrivals } from "../../support/arrivals.ts";
import { createBench, eventually } from "../bus/bench.ts";
import { createTestLog } from "../bus/test-log.ts";

const names = createNames("wx");
const replies = names.repliesOf("i");

type ConsumingOptions = Partial<QueueOptions> & { lookEvery?: number };

/** A consumer on the in-process bus, with the queue that its replies come to, and a way to give it pushes. */
async function createConsuming(
  t: TestContext,
  handler: Handler,
  given: ConsumingOptions = {},
  replyExchange = names.replies,
) {
  const { lookEvery, ...options } = given;
  const bus = new MemoryBus();
  t.after(() => bus.close());
  const { declare, publish } = createBench(bus);
  const handlers = new HandlerTable().on("msg.text", handler);
  const plan = planQueue({ queue: "shop", ...options }, handlers.patterns, "wx");
  await declare({
    exchanges: [
      { name: names.events, type: "topic" },
      { name: replyExchange, type: "direct" },
    ],
    queues: [{ name: replies, arguments: {} }],
    bindings: [{ source: replyExchange, destination: replies, to: "queue", routingKey: replies }],
  });
  await declare(plan.topology);
  const { log, lines } = createTestLog();
  const consumer = createQueueConsumer({ plan, handlers, bus, log, ...(lookEvery ? { lookEvery } : {}) });
  t.after(() => consumer.close(0));
  consumer.consume();
  return {
    bus,
    consumer,
    lines,
    push: async (n: number): Promise<void> => {
      const identity = `shop/oUSER/${n}`;
      const properties = { type: "msg.text", messageId: identity, correlationId: identity, replyTo: replies };
      const body = Buffer.from(`{"FromUserName":"oUSER","MsgType":"text","Content":"${n}"}`);
      await publish({ exchange: names.events, routingKey: "msg.text", properties, body });
    },
    /** Resolves to the outcome of the next delivery. */
    ended: async (): Promise<unknown> => {
      for (;;) {
        const [line] = await lines.next();
        if (line?.msg === "delivery") return line["outcome"];
      }
    },
  };
}

test("of several replies to one push the first is sent, and no other", async (t) => {
  const { bus, push, ended } = await createConsuming(t, async (_push, { reply }) => {
    await Promise.all([reply("one"), reply("two")]);
    return "three";
  });
  await push(1);
  assert.equal(await ended(), "taken");
  assert.equal(await bus.depth(replies), 1);
});

/** A handler that tells what it begins, and ends nothing before `release`. */
function createHeldHandler() {
  const begun = createArrivals<string>("handlers");
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const handler: Handler = async (push) => {
    begun.add(String(push["Content"]));
    await released;
  };
  return { begun, handler, release };
}

test("closing waits for the handler under way, and gives back at once what waits behind it", async (t) => {
  const { begun, handler, release } = createHeldHandler();
  const { bus, consumer, push } = await createConsuming(t, handler, { concurrency: 1, prefetch: 2 });
  await push(1);
  await push(2);
  await begun.next();
  const closing = consumer.close();
  await eventually("the second one is back", async () => (await bus.depth("shop")) === 1);
  release();
  await closing;
  assert.deepEqual([begun.all, await bus.depth("shop")], [["1"], 1]);
});

test("handlers of which none ends are told of, once they leave no room for another", async (t) => {
  const { begun, handler, release } = createHeldHandler();
  const options = { concurrency: 2, lookEvery: 20 };
  const { lines, push, ended } = await createConsuming(t, handler, options);
  await push(1);
  await push(2);
  await begun.next(2);
  const [line] = await lines.next();
  assert.deepEqual([line?.level, line?.["concurrency"]], [40, 2]);
  release();
  assert.equal(await ended(), "taken");
});

test("closing without patience gives back what is under way", async (t) => {
  const { begun, handler, release } = createHeldHandler();
  const { bus, consumer, push } = await createConsuming(t, handler);
  await push(1);
  await begun.next();
  const closedAt = performance.now();
  await consumer.close(0);
  assert.ok(performance.now() - closedAt < 4000, "half of what it waits when no patience is given");
  assert.equal(await bus.depth("shop"), 1);
  release();
});

test("a handler that is waited for in vain is told so by its signal", async (t) => {
  const begun = createArrivals<Context>("handlers");
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { consumer, push } = await createConsuming(t, async (_push, context) => {
    begun.add(context);
    await released;
  });
  await push(1);
  const [context] = await begun.next();
  assert.equal(context?.signal.aborted, false);
  assert.equal(context.remaining(), 0, "nobody waits for a reply to a push without a deadline");
  await consumer.close(0);
  assert.equal(context.signal.aborted, true);
  release();
});

/** A handler that replies and does not wait. */
const careless: Handler = (_push, { reply }) => void reply("one").catch(() => {});

test("an event whose reply is not held is not acked, though its handler has not waited for it", async (t) => {
  const { bus, consumer, lines, push } = await createConsuming(t, careless, {}, "elsewhere");
  await push(1);
  const [line] = await lines.next();
  assert.equal(line?.msg, "not held yet, publishing again");
  await consumer.close(0);
  assert.equal(await bus.depth("shop"), 1);
});
