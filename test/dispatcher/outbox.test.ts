import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createOutbox } from "../../dispatcher/outbox.ts";
import { MemoryBus } from "../../shared/bus/memory-bus.ts";
import { createNames } from "../../shared/bus/names.ts";
import type { Delivery } from "../../shared/bus/bus.ts";
import type { Topology } from "../../shared/bus/topology.ts";
import { createArrivals } from "../support/arrivals.ts";
import { createKeptLog } from "../shared/api/api-server.ts";
import { accountOf } from "../shared/config/sample-config.ts";
import { until } from "./dispatching.ts";
import { eventOf } from "./forward-account.ts";

const names = createNames("wx");

/** A queue of dead letters that has room for one. */
async function createFullOutbox() {
  const bus = new MemoryBus();
  const dead = { name: names.dead, arguments: { "x-max-length": 1, "x-overflow": "reject-publish" } };
  const source = { name: "source", arguments: {} };
  await bus.declare({ exchanges: [], queues: [dead, source], bindings: [], unbindings: [] });
  const stopping = new AbortController();
  const { log, find } = createKeptLog();
  const outbox = createOutbox({ accounts: [], bus, names, log, signal: stopping.signal });
  const bury = async () => {
    const { delivery } = await takeOne(bus);
    return outbox.dead(delivery, eventOf(), "rejected", "status 400");
  };
  return { bus, bury, stopping, find };
}

/** A delivery as a consumer gets it, and that consumer, which takes no other. */
async function takeOne(bus: MemoryBus) {
  const arrivals = createArrivals<Delivery>("deliveries");
  const consumer = bus.consume("source", { prefetch: 1 }, (delivery) => arrivals.add(delivery));
  const properties = { messageId: "shop/oUSER/22277834746191186", type: "msg.text" };
  await bus.publish({ exchange: "", routingKey: "source", body: Buffer.from("{}"), properties }, { timeout: 1000 });
  const [delivery = assert.fail()] = await arrivals.next();
  await consumer.cancel();
  return { delivery, consumer };
}

test("a queue that refuses is asked again until it takes the message", async () => {
  const { bus, bury, find } = await createFullOutbox();
  await bury();
  const second = bury();
  await until(() => find("not held yet, publishing again").length >= 2, "two more tries");
  assert.match(find("not held yet")[0] ?? "", /"identity":"shop\/oUSER\/22277834746191186"/);
  assert.equal(await bus.depth(names.dead), 1);
  const arrivals = createArrivals<Delivery>("dead letters");
  bus.consume(names.dead, { prefetch: 10 }, (delivery) => {
    delivery.ack();
    arrivals.add(delivery);
  });
  await second;
  assert.equal((await arrivals.next(2)).length, 2);
});

function plainQueue(name: string): Topology {
  return { exchanges: [], queues: [{ name, arguments: {} }], bindings: [], unbindings: [] };
}

test("a copy that no queue takes is not held, and is published again until its queue is there", async (t) => {
  const bus = new MemoryBus();
  await bus.declare(plainQueue("source"));
  const { log, find } = createKeptLog();
  const outbox = createOutbox({ accounts: [], bus, names, log, signal: t.signal });
  const { delivery } = await takeOne(bus);
  const burying = outbox.dead(delivery, eventOf(), "rejected", "status 400");
  await until(() => find("no queue is bound for it").length > 0, "a first try");
  await bus.declare(plainQueue(names.dead));
  await burying;
  assert.equal(await bus.depth(names.dead), 1);
});

test("many that a full queue refuses have the lines of one", async (t) => {
  const { bus, bury, stopping, find } = await createFullOutbox();
  t.after(() => stopping.abort(new Error("shutting down")));
  await bury();
  const publish = mock.method(bus, "publish");
  const tries = (): number => publish.mock.calls.filter((call) => call.arguments[0].routingKey === names.dead).length;
  for (let i = 0; i < 3; i++) bury().catch(() => {});
  await until(() => tries() >= 9, "three tries each");
  assert.ok(find("not held yet").length <= 3);
});

test("shutting down ends the waiting", async () => {
  const { bus, bury, stopping, find } = await createFullOutbox();
  await bury();
  const second = bury();
  await until(() => find("not held yet").length > 0, "another try");
  let isOver = false;
  const ending = assert.rejects(second).then(() => (isOver = true));
  stopping.abort(new Error("shutting down"));
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  assert.ok(isOver, "it does not wait for its next try");
  await ending;
  assert.equal(await bus.depth(names.dead), 1);
  await assert.rejects(bury(), /shutting down/);
});

/** A gateway's reply queue that has room for one, full. */
async function createFullReplyQueue() {
  const bus = new MemoryBus();
  const queue = { name: "wx.replies.i", arguments: { "x-max-length": 1, "x-overflow": "reject-publish" } };
  const { replies, lateReplies } = names;
  await bus.declare({
    exchanges: [
      { name: lateReplies, type: "fanout" },
      { name: replies, type: "direct", arguments: { "alternate-exchange": lateReplies } },
    ],
    queues: [queue, { name: lateReplies, arguments: {} }],
    bindings: [
      { source: replies, destination: queue.name, to: "queue", routingKey: queue.name },
      { source: lateReplies, destination: lateReplies, to: "queue", routingKey: "" },
    ],
    unbindings: [],
  });
  const filler = { exchange: "", routingKey: queue.name, body: Buffer.from("x"), properties: {} };
  await bus.publish(filler, { timeout: 1000 });
  return { bus, queue: queue.name };
}

test("a reply that its queue refuses, as RabbitMQ 4 does for a node that is down, is a late one", async () => {
  const { bus, queue } = await createFullReplyQueue();
  const { log } = createKeptLog();
  const outbox = createOutbox({ accounts: [], bus, names, log, signal: new AbortController().signal });
  const arrivals = createArrivals<Delivery>("late replies");
  bus.consume(names.lateReplies, { prefetch: 10 }, (delivery) => arrivals.add(delivery));
  await outbox.reply(eventOf(), { type: "text", msg: "hi" });
  const [late] = await arrivals.next();
  assert.equal(late?.body.toString(), `{"type":"text","msg":"hi"}`);
  assert.equal(late.properties.correlationId, "shop/oUSER/22277834746191186");
  assert.equal(await bus.depth(queue), 1);
});

test("a late reply that is off its queue is put aside all the same when its consumer's connection is lost: it comes to nobody again", async (t) => {
  const bus = new MemoryBus();
  const [source, waiting] = ["source", names.retryOf("10s")].map((name) => ({ name, arguments: {} }));
  assert.ok(source && waiting);
  await bus.declare({
    exchanges: [{ name: waiting.name, type: "fanout" }],
    queues: [source, waiting],
    bindings: [{ source: waiting.name, destination: waiting.name, to: "queue", routingKey: "" }],
    unbindings: [],
  });
  const { delivery, consumer } = await takeOne(bus);
  const { log } = createKeptLog();
  const outbox = createOutbox({ accounts: [], bus, names, log, signal: t.signal });
  await delivery.acked();
  await consumer.close();
  assert.ok(delivery.isGone());
  await outbox.postpone(delivery, Date.now());
  assert.equal(await bus.depth(waiting.name), 1);
});

test("no copy takes the place of a delivery that is gone, and so comes again", async (t) => {
  const bus = new MemoryBus();
  const retry = names.retryOf("1s");
  await bus.declare({
    exchanges: [{ name: retry, type: "fanout" }],
    queues: ["source", retry, names.dead, names.unrouted].map((name) => ({ name, arguments: {} })),
    bindings: [{ source: retry, destination: retry, to: "queue", routingKey: "" }],
    unbindings: [],
  });
  const { log } = createKeptLog();
  const outbox = createOutbox({ accounts: [], bus, names, log, signal: t.signal });
  const { delivery } = await takeOne(bus);
  const gone = { ...delivery, isGone: () => true };
  const rung = { delay: { name: "1s", ms: 1000 }, attempt: 2, error: "status 500" };
  await assert.rejects(outbox.retry(gone, eventOf(), rung), { code: "NOT_HELD" });
  await assert.rejects(outbox.dead(gone, eventOf(), "rejected", "status 400"), { code: "NOT_HELD" });
  await assert.rejects(outbox.unrouted(gone, eventOf()), { code: "NOT_HELD" });
  const depths = [retry, names.dead, names.unrouted].map((queue) => bus.depth(queue));
  assert.deepEqual(await Promise.all(depths), [0, 0, 0]);
});

test("shutting down ends the wait for the subscribers' copies, too, and the delivery is not taken for done", async () => {
  const bus = new MemoryBus();
  await bus.declare({ exchanges: [], queues: [{ name: "source", arguments: {} }], bindings: [], unbindings: [] });
  const { log } = createKeptLog();
  const signal = AbortSignal.abort(new Error("shutting down"));
  const outbox = createOutbox({ accounts: [], bus, names, log, signal });
  const { delivery } = await takeOne(bus);
  await assert.rejects(outbox.enriched(delivery, eventOf(), Buffer.from("{}")), /shutting down/);
});

test("a copy for a subscriber tells what is left of the budget, not what was left when the push came", async (t) => {
  const bus = new MemoryBus();
  await bus.declare({
    exchanges: [{ name: names.enrichedOf("shop"), type: "topic" }],
    queues: ["source", "theirs"].map((name) => ({ name, arguments: {} })),
    bindings: [{ source: names.enrichedOf("shop"), destination: "theirs", to: "queue", routingKey: "#" }],
    unbindings: [],
  });
  const { log } = createKeptLog();
  const outbox = createOutbox({ accounts: [], bus, names, log, signal: t.signal });
  const { delivery } = await takeOne(bus);
  delivery.properties.headers = { "x-wx-budget": 4500 };
  const event = eventOf({ deadline: Date.now() - 1 });
  assert.equal(await outbox.enriched(delivery, event, Buffer.from("{}")), true);
  const copies = createArrivals<Delivery>("copies");
  bus.consume("theirs", { prefetch: 1 }, (copy) => copies.add(copy));
  const [copy] = await copies.next();
  assert.equal(copy?.properties.headers?.["x-wx-budget"], 0);
});

test("a subscriber's queue that refused every try is tried once only for a while: each try is a copy more for the others", async (t) => {
  const bus = new MemoryBus();
  const exchange = names.enrichedOf("shop");
  const full = { name: "full", arguments: { "x-max-length": 0, "x-overflow": "reject-publish" } };
  await bus.declare({
    exchanges: [{ name: exchange, type: "topic" }],
    queues: [{ name: "source", arguments: {} }, full],
    bindings: [{ source: exchange, destination: full.name, to: "queue", routingKey: "#" }],
    unbindings: [],
  });
  const { log, find } = createKeptLog();
  const outbox = createOutbox({ accounts: [], bus, names, log, signal: t.signal });
  const { delivery } = await takeOne(bus);
  const publish = mock.method(bus, "publish");
  let now = Math.ceil(performance.now());
  t.mock.method(performance, "now", () => now);
  for (const later of [0, 9_999, 10_000]) {
    now += later; // each refusal counts from its own time
    assert.equal(await outbox.enriched(delivery, eventOf(), Buffer.from("{}")), false, "one has no copy");
  }
  assert.deepEqual(
    publish.mock.calls.map(({ arguments: [, { tries }] }) => tries),
    [3, 1, 3],
  );
  assert.equal(find("a subscriber's queue refuses").length, 3);
});

const lastingReplies: [settings: Record<string, unknown>, lasts: boolean][] = [
  [{}, false],
  [{ "late-reply": "customer-service" }, true],
  [{ "reply-window": "retries" }, true],
];
for (const [settings, lasts] of lastingReplies) {
  test(`a reply ${lasts ? "outlives" : "need not outlive"} its broker with ${JSON.stringify(settings)}`, async (t) => {
    const { bus } = await createFullReplyQueue();
    const { log } = createKeptLog();
    const publish = mock.method(bus, "publish");
    const outbox = createOutbox({ accounts: [await accountOf(settings)], bus, names, log, signal: t.signal });
    await outbox.reply(eventOf({ replyTo: "wx.replies.other" }), { type: "text", msg: "hi" });
    assert.deepEqual(
      publish.mock.calls.map(({ arguments: [, { transient }] }) => transient),
      [!lasts],
    );
  });
}
