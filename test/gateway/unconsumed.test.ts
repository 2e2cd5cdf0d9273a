import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { watchUnconsumed } from "../../gateway/unconsumed.ts";
import { MemoryBus } from "../../shared/bus/memory-bus.ts";
import { createNames } from "../../shared/bus/names.ts";
import { createBench } from "../shared/bus/bench.ts";
import { createTestLog } from "../shared/bus/test-log.ts";
import { accountOf } from "../shared/config/sample-config.ts";

const text = "events are left in a queue that nobody consumes";

/** Watches what is left for accounts of these names and settings; `pass` lets a minute pass. */
async function createWatch(t: TestContext, accounts: Record<string, Record<string, unknown>>) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const bus = new MemoryBus();
  t.after(() => bus.close());
  const { prefix, ...bench } = createBench(bus);
  const { log, lines } = createTestLog();
  const all = Object.entries(accounts).map(([name, settings]) => accountOf({ name, ...settings }));
  const watched = await Promise.all(all);
  let seen = 0;
  /** What has been told since it was last asked for. */
  const told = async () => {
    for (let i = 0; i < 10; i++) await turn();
    const news = lines.all.slice(seen);
    seen = lines.all.length;
    return news.map(({ msg, ...line }) => [msg, line["queue"], line["messages"]]);
  };
  const pass = () => {
    t.mock.timers.tick(60_000);
    return told();
  };
  const watch = () => watchUnconsumed({ accounts: watched, bus, names: createNames(prefix), log });
  return { ...bench, watch, told, pass };
}

const undispatched = { delivery: "amqp" };

test("events that come where no dispatcher is are told of, also later, and once", async (t) => {
  const { declareQueue, send, watch, told, pass } = await createWatch(t, { shop: undispatched });
  const queue = await declareQueue("dispatch.shop");
  t.after(watch());
  assert.deepEqual(await told(), []);
  await send(queue, "back from a retry queue");
  assert.deepEqual(await pass(), [[text, queue, 1]]);
  assert.deepEqual(await pass(), []);
  await send(queue, "1", "2");
  assert.deepEqual(await pass(), [[text, queue, 3]]);
});

test("what was left before is told of at the start, that which comes after it was taken away anew, and nothing after the end", async (t) => {
  const { declareQueue, send, consume, watch, told, pass } = await createWatch(t, { shop: undispatched });
  const queue = await declareQueue("dispatch.shop.ordered");
  await send(queue, "1", "2");
  const end = watch();
  assert.deepEqual(await told(), [[text, queue, 2]]);
  const consumer = consume(queue);
  await consumer.take(2);
  await consumer.close();
  assert.deepEqual(await pass(), []);
  await send(queue, "3");
  assert.deepEqual(await pass(), [[text, queue, 1]]);
  end();
  await send(queue, "4");
  assert.deepEqual(await pass(), []);
});

test("a queue that is not there is looked for once, and one of which the broker cannot be asked another time", async (t) => {
  const { bus, declareQueue, send, watch, told, pass } = await createWatch(t, { shop: undispatched });
  const queue = await declareQueue("dispatch.shop");
  await send(queue, "1");
  const depth = t.mock.method(bus, "depth");
  t.after(watch());
  assert.deepEqual(await told(), [[text, queue, 1]]);
  assert.equal(depth.mock.callCount(), 2);
  depth.mock.mockImplementationOnce(() => Promise.reject(new Error("the broker is away")));
  assert.deepEqual(await pass(), []);
  assert.deepEqual(await pass(), []);
  assert.deepEqual(
    depth.mock.calls.slice(2).map(({ arguments: [asked] }) => asked),
    [queue, queue],
  );
});

test("a dispatcher's queue that is named as another account's ordered one would be is not one that nobody consumes", async (t) => {
  const accounts = { shop: undispatched, "shop.ordered": { "msg-proxy-pass": "http://127.0.0.1/" } };
  const { declareQueue, send, watch, told } = await createWatch(t, accounts);
  await send(await declareQueue("dispatch.shop.ordered"), "1");
  t.after(watch());
  assert.deepEqual(await told(), []);
});
