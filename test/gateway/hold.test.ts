import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { storeSchema } from "../../gateway/gateway.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { createHold, createHoldOnBroker } from "../../gateway/hold.ts";
import { createSpool } from "../../gateway/spool.ts";
import type { Bus } from "../../shared/bus/bus.ts";
import { createNames } from "../../shared/bus/names.ts";
import { Failure } from "../../shared/failure.ts";
import { createMetrics } from "../../shared/metrics.ts";
import { openStore } from "../../shared/store/store.ts";
import { brokerUrl, createProxiedBroker } from "../bridge/system.ts";
import { createAmqpTestBus } from "../shared/bus/amqp-test-bus.ts";
import { classic, createBench, eventually, toQueue, untilReady } from "../shared/bus/bench.ts";
import { createTestLog } from "../shared/bus/test-log.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { configOf, service } from "../shared/config/sample-config.ts";

/** A dispatch queue that has room for one message, full, and a push that is to go there. */
async function createFullQueue(t: TestContext) {
  const bus = await createAmqpTestBus(t, [brokerUrl()]);
  const { prefix, declare, send, consume } = createBench(bus);
  const { accounts } = await configOf({ services: [service({ name: "shop" })], amqp: { url: brokerUrl(), prefix } });
  const names = createNames(prefix);
  const [exchange, queue] = [names.eventsOf("shop"), names.dispatchOf("shop")];
  await declare({
    exchanges: [{ name: exchange, type: "topic" }],
    queues: [classic(queue, { "x-max-length": 1, "x-overflow": "reject-publish" })],
    bindings: [toQueue(exchange, queue, "#")],
  });
  await send(queue, "fills it");
  const { log, lines } = createTestLog();
  const holdOnBroker = createHoldOnBroker({ accounts, bus, names, log });
  const message = { exchange, routingKey: "msg.text", body: Buffer.from("push"), properties: { messageId: "id" } };
  const hold = (timeout: number) => holdOnBroker({ service: "shop", user: "shop/oUSER", message }, timeout);
  return { queue, consume, hold, lines };
}

test("a dispatch queue that refuses for a while, as one that elects its leader: the push is held as soon as it takes it", async (t) => {
  const { queue, consume, hold, lines } = await createFullQueue(t);
  const holding = hold(4500);
  const isSettled = await Promise.race([
    holding.then(() => true),
    new Promise((resolve) => setTimeout(resolve, 1500, false)), // longer than five tries at each of two queues take
  ]);
  assert.equal(isSettled, false);
  const consumer = consume(queue);
  assert.deepEqual(await consumer.take(), ["fills it"]);
  assert.equal(await holding, "routed");
  assert.deepEqual(await consumer.take(), ["push"]);
  const [line] = await lines.next();
  assert.deepEqual([line?.msg, line?.["queue"]], ["a subscriber's queue refuses, publishing past it", queue]);
});

test("a dispatch queue that goes on refusing: it is named once, and the next pushes do not wait out their budget", async (t) => {
  const { queue, hold, lines } = await createFullQueue(t);
  await assert.rejects(hold(1000), { code: "NOT_HELD" });
  for (let i = 0; i < 2; i++) await assert.rejects(hold(20_000), { code: "NACKED" });
  assert.deepEqual(
    lines.all.map(({ msg, queue: named }) => [msg, named]),
    [["a queue takes no pushes: look at its limits and policies", queue]],
  );
});

test("a push that no queue takes, not even the one for unrouted pushes, is not held", async (t) => {
  const bus = await createAmqpTestBus(t, [brokerUrl()]);
  const { prefix, declare } = createBench(bus);
  const names = createNames(prefix);
  const exchange = names.eventsOf("shop");
  await declare({ exchanges: [{ name: exchange, type: "topic" }] });
  const hold = createHoldOnBroker({ accounts: [], bus, names, log: createTestLog().log });
  const message = { exchange, routingKey: "msg.text", body: Buffer.from("push"), properties: { messageId: "id" } };
  await assert.rejects(hold({ service: "shop", user: "shop/oUSER", message }, 1000), { code: "NOT_HELD", status: 503 });
});

test("a push that AMQP cannot carry is refused alone: no queue is told to be at fault, and the next one is held", async (t) => {
  const bus = await createAmqpTestBus(t, [brokerUrl()]);
  const { prefix, declare } = createBench(bus);
  const names = createNames(prefix);
  const [exchange, queue] = [names.eventsOf("shop"), names.dispatchOf("shop")];
  await declare({
    exchanges: [{ name: exchange, type: "topic" }],
    queues: [classic(queue)],
    bindings: [toQueue(exchange, queue, "#")],
  });
  const { log, lines } = createTestLog();
  const holdOnBroker = createHoldOnBroker({ accounts: [], bus, names, log });
  const hold = (messageId: string) => {
    const message = { exchange, routingKey: "msg.text", body: Buffer.from("push"), properties: { messageId } };
    return holdOnBroker({ service: "shop", user: "shop/oUSER", message }, 1000);
  };
  await assert.rejects(hold("x".repeat(300)), { code: "NACKED" });
  assert.equal(await hold("id"), "routed");
  assert.deepEqual(lines.all, []);
});

test("what a queue of an in-process bus has left goes past none that refuses to the dispatcher, nor what waited for a retry there", async (t) => {
  const bus = await createAmqpTestBus(t, [brokerUrl()]);
  const { prefix, declare, send, consume } = createBench(bus);
  const { accounts } = await configOf({ services: [service({ name: "shop" })], amqp: { url: brokerUrl(), prefix } });
  const names = createNames(prefix);
  const [full, consumers] = [`${prefix}.full`, `${prefix}.consumers`];
  await declare({
    queues: [
      classic(full, { "x-max-length": 1, "x-overflow": "reject-publish" }),
      classic(consumers),
      classic(names.dispatchOf("shop")),
    ],
  });
  await send(full, "fills it");
  const holdOnBroker = createHoldOnBroker({ accounts, bus, names, log: createTestLog().log });
  const hold = (exchange: string, routingKey: string) => {
    const message = { exchange, routingKey, body: Buffer.from("push"), properties: { messageId: "id" } };
    return holdOnBroker({ service: "shop", user: "shop/oUSER", message }, 5000);
  };
  await assert.rejects(hold("", full), { code: "NACKED" });
  assert.equal(await hold(names.retryOf("7m"), consumers), "routed"); // there is no such exchange
  assert.deepEqual(await consume(consumers).take(), ["push"]);
  assert.equal(await bus.depth(names.dispatchOf("shop")), 0);
});

/** A spool that publishes nothing. */
function createFilling(t: TestContext) {
  const { log } = createTestLog();
  const store = openStore(createTemporaryFolder(t), storeSchema, log);
  const parts = { names: createNames("wx"), publish: async () => {}, isReady: () => false, log };
  const spool = createSpool({ store, metrics: createMetrics(), ...parts });
  t.after(async () => {
    await spool.close();
    store.close();
  });
  return { spool, store };
}

test("a push that waits for a broker does not overtake another one of its user that goes to disk meanwhile", async (t) => {
  const { prefix, declareQueue } = createBench(await createAmqpTestBus(t, [brokerUrl()]));
  let bus: Bus | undefined;
  t.after(() => bus?.close()); // before the proxy cuts it off
  const { url, proxy } = await createProxiedBroker(t);
  bus = await createAmqpTestBus(t, [url], { keep: true });
  await untilReady(bus);
  const { spool } = createFilling(t);
  const holdOnBroker = createHoldOnBroker({ accounts: [], bus, names: createNames(prefix), log: createTestLog().log });
  const hold = createHold(holdOnBroker, bus, spool);
  const queue = await declareQueue();
  const pushOf = (user: string, messageId: string) => ({
    service: "shop",
    user,
    message: { exchange: "", routingKey: queue, body: Buffer.from("push"), properties: { messageId } },
  });
  await proxy.refuse();
  proxy.reset();
  await eventually("the broker is away", () => !bus?.publishes);
  const holding = hold(pushOf("shop/oUSER", "2"), Date.now() + 4500);
  await spool.add(pushOf("shop/oUSER", "1"));
  await proxy.accept();
  assert.equal(await holding, "spooled");
  await untilReady(bus);
  assert.equal(await hold(pushOf("shop/oOTHER", "3"), Date.now() + 4500), "routed");
  assert.equal(await bus.depth(queue), 1);
});

test("a push whose connection is lost is not overtaken on the way to disk by later ones of its user's, which wait shorter", async (t) => {
  const { spool, store } = createFilling(t);
  const lost = Promise.withResolvers<never>();
  const hold = createHold(
    async ({ message }) => {
      if (message.properties.messageId === "1") await lost.promise;
      if (message.properties.messageId === "2") return "routed";
      throw new Failure("NOT_HELD", "the broker is away");
    },
    { publishes: true },
    spool,
  );
  const holdNext = async (messageId: string): Promise<void> => {
    const message = { exchange: "x", routingKey: "msg.text", body: Buffer.from("push"), properties: { messageId } };
    await hold({ service: "shop", user: "shop/oUSER", message }, Date.now() + 4500);
  };
  const holding = ["1", "2", "3", "4"].map(holdNext);
  await sleep(20);
  lost.reject(new Failure("NOT_HELD", "the broker is away"));
  await Promise.all(holding);
  const rows = store.database.prepare("SELECT properties FROM spool ORDER BY seq").all();
  assert.deepEqual(
    rows.map(({ properties }) => (JSON.parse(properties as string) as { messageId: string }).messageId),
    ["1", "3", "4"],
  );
});
