import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { connect } from "amqplib";
import { createLink } from "../../../shared/bus/amqp-link.ts";
import { Publisher } from "../../../shared/bus/amqp-publisher.ts";
import type { Bus, Delivery, PublishOptions } from "../../../shared/bus/bus.ts";
import { bridgeTopology, replyTopology } from "../../../shared/bus/bridge-topology.ts";
import { createNames } from "../../../shared/bus/names.ts";
import { createArrivals } from "../../support/arrivals.ts";
import { obtainSbin } from "../../support/broker.ts";
import { findFreePort } from "../../support/free-port.ts";
import { startPrivateNode, type PrivateNode } from "../../support/private-node.ts";
import { tellQueues } from "../../support/stuck-queues.ts";
import { createTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { configOf, service } from "../config/sample-config.ts";
import { createAmqpTestBus } from "./amqp-test-bus.ts";
import { classic, createBench, eventually, toQueue, untilReady, type Bench } from "./bench.ts";
import { createTestLog, type LogLine } from "./test-log.ts";

/** Bytes that a message may have here. */
const MAX_MESSAGE_SIZE = 200_000;
let node: PrivateNode;
/** Rejections and errors that nobody handles: the last hook ends the process before Node's test runner tells of them. */
const unhandled: unknown[] = [];

before(async () => {
  const sbin = await obtainSbin();
  assert.ok(sbin, "no RabbitMQ can be started here");
  node = await startPrivateNode({ sbin, config: [`max_message_size = ${MAX_MESSAGE_SIZE}`] });
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    process.on(event, (reason: unknown) => unhandled.push(reason));
  }
});

after(async () => {
  await node.stop();
  assert.deepEqual(unhandled, []);
  process.exit(); // after so many cut sockets, Node's own teardown of an ended process now and then never returns
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

interface Setting extends Bench {
  proxy: TcpProxy;
  lines: readonly LogLine[];
  url: string;
}

/** A bus that reaches the node through a proxy. */
async function createSetting(t: TestContext, query = ""): Promise<Setting> {
  let bus: Bus | undefined;
  t.after(() => bus?.close()); // before the proxy cuts it off
  const proxy = await createTcpProxy(t, "127.0.0.1", node.port);
  const { log, lines } = createTestLog();
  const url = `amqp://guest:guest@127.0.0.1:${proxy.port}${query}`;
  bus = await createAmqpTestBus(t, [url], { log, keep: true });
  return { ...createBench(bus), proxy, lines: lines.all, url };
}

/** Takes queues and exchanges away behind the bus's back. */
async function removeBehind(queues: string[], exchanges: string[] = []): Promise<void> {
  const connection = await connect(node.url);
  const channel = await connection.createChannel();
  for (const queue of queues) await channel.deleteQueue(queue);
  for (const exchange of exchanges) await channel.deleteExchange(exchange);
  await connection.close();
}

async function purgeBehind(queue: string): Promise<void> {
  const connection = await connect(node.url);
  await (await connection.createChannel()).purgeQueue(queue);
  await connection.close();
}

async function elapsed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

const untilLogged = (lines: readonly LogLine[], text: string): Promise<void> =>
  eventually(`log line "${text}"`, () => lines.some(({ msg }) => msg.includes(text)));

test("after a reset connections, topology and consumers come back, and publishes go through", async (t) => {
  const { bus, proxy, name, declare, send, consume, publish } = await createSetting(t);
  const topology = {
    exchanges: [{ name: name("x"), type: "topic" as const }],
    queues: [classic(name("q")), classic(name("unused"))],
    bindings: [toQueue(name("x"), name("q"), "#")],
  };
  await declare(topology);
  const consumer = consume(name("q"));
  await untilReady(bus);
  await send(name("q"), "before");
  const [unended] = await consumer.deliveries.next();
  await proxy.refuse();
  proxy.reset();
  await eventually("the loss is noticed", () => !bus.ready);
  await removeBehind([name("q"), name("unused")], [name("x")]);
  const during = publish({ exchange: name("x"), routingKey: "k", body: Buffer.from("during") }, { timeout: 5000 });
  unended?.ack();
  await proxy.accept();
  assert.equal(await during, "routed");
  assert.deepEqual(await consumer.take(), ["during"]);
  await untilReady(bus);
  assert.equal(await bus.depth(name("unused")), 0);
});

test("a delivery that was under way when the connection broke comes again, marked", async (t) => {
  const { bus, proxy, declareQueue, send, consume } = await createSetting(t);
  const queue = await declareQueue();
  const { deliveries } = consume(queue);
  await send(queue, "1");
  const [first] = await deliveries.next();
  proxy.reset();
  const [again] = await deliveries.next();
  first?.ack();
  assert.deepEqual([again?.body.toString(), again?.redelivered], ["1", true]);
  again?.ack();
  await untilReady(bus);
});

test("an ack is told to have been taken only when the broker says so: else the delivery comes again", async (t) => {
  const { bus, proxy, declareQueue, send, consume } = await createSetting(t);
  const queue = await declareQueue();
  const { deliveries } = consume(queue);
  await untilReady(bus);
  await send(queue, "1");
  const [first = assert.fail()] = await deliveries.next();
  proxy.swallow();
  const acking = assert.rejects(first.acked());
  proxy.reset();
  proxy.flow();
  await acking;
  const [again = assert.fail()] = await deliveries.next();
  assert.deepEqual([again.body.toString(), again.redelivered, first.isGone()], ["1", true, true]);
  await again.acked();
  proxy.reset();
  await send(queue, "2");
  assert.equal((await deliveries.next())[0]?.body.toString(), "2", "what was told to be taken does not come again");
});

test("with the broker away a publish ends at its timeout; what was declared meanwhile is there afterwards", async (t) => {
  const { bus, proxy, name, declareQueue, declare, publish, consume, send } = await createSetting(t);
  const queue = await declareQueue();
  await untilReady(bus);
  await proxy.refuse();
  proxy.reset();
  for (const timeout of [0, 300]) {
    const took = await elapsed(() => assert.rejects(publish({ routingKey: queue }, { timeout }), { code: "NOT_HELD" }));
    assert.ok(took >= timeout - 5 && took < timeout + 2000, `${took} ms`);
  }
  const late = { exchanges: [], queues: [classic(name("late"))], bindings: [], unbindings: [] };
  await assert.rejects(bus.declare(late, { timeout: 100 }), { code: "NOT_HELD" });
  const consumer = consume(name("late"));
  const questions = [bus.depth(queue), bus.deleteQueue(queue)];
  const refused = questions.map((question) => assert.rejects(question, { code: "NOT_HELD" }));
  assert.ok((await elapsed(() => Promise.all(refused))) < 4500);
  await proxy.accept();
  await untilReady(bus);
  await send(name("late"), "1");
  assert.deepEqual(await consumer.take(), ["1"]);
  await declare({ queues: [classic(name("more"))] });
});

test("the broker need not be there at start", async (t) => {
  const port = await findFreePort();
  const { log, lines } = createTestLog();
  const bus = await createAmqpTestBus(t, [`amqp://127.0.0.1:${port}`], { log, keep: true });
  const { publish, consume } = createBench(bus);
  consume("missing");
  await assert.rejects(publish({}, { timeout: 200 }), { code: "NOT_HELD" });
  await untilLogged(lines.all, "broker unreachable");
  assert.ok((await elapsed(() => bus.close())) < 4500);
});

test("several brokers are tried in turn", async (t) => {
  const dead = await findFreePort();
  const bus = await createAmqpTestBus(t, [`amqp://127.0.0.1:${dead}`, node.url], { keep: true });
  const { declareQueue, send } = createBench(bus);
  await send(await declareQueue(), "1");
});

test("a consumer whose queue is deleted brings it back and consumes again", async (t) => {
  const { bus, lines, name, declare, consume, publish } = await createSetting(t);
  await declare({
    exchanges: [{ name: name("x"), type: "fanout" }],
    queues: [classic(name("q"))],
    bindings: [toQueue(name("x"), name("q"))],
  });
  const consumer = consume(name("q"));
  await untilReady(bus);
  await removeBehind([name("q")]);
  await untilLogged(lines, "broker cancelled a consumer");
  const told = lines.find(({ msg }) => msg === "the broker cancelled a consumer, consuming again");
  assert.equal(told?.["causes"], "its queue was deleted or has moved, or a delivery took longer than consumer_timeout");
  await untilReady(bus);
  await publish({ exchange: name("x"), body: Buffer.from("1") });
  assert.deepEqual(await consumer.take(), ["1"]);
});

test("a deleted exchange of ours comes back with the publish that misses it", async (t) => {
  const { name, declare, publish, send } = await createSetting(t);
  await declare({
    exchanges: [{ name: name("x"), type: "fanout" }],
    queues: [classic(name("q"))],
    bindings: [toQueue(name("x"), name("q"))],
  });
  await send(name("q"), "1");
  await removeBehind([], [name("x")]);
  const properties = { messageId: "id" };
  assert.equal(await publish({ exchange: name("x"), properties }, { mandatory: true }), "routed");
});

test("a deleted queue of ours comes back with the publish that misses it, by its name and by its exchange", async (t) => {
  const { bus, name, declare, publish, send } = await createSetting(t);
  await declare({
    exchanges: [{ name: name("x"), type: "fanout" }],
    queues: [classic(name("q"))],
    bindings: [toQueue(name("x"), name("q"))],
  });
  await send(name("q"), "1");
  const properties = { messageId: "id" };
  const mandatory = { mandatory: true };
  await removeBehind([name("q")]);
  const ways = [{ routingKey: name("q") }, { exchange: name("x"), routingKey: "any" }];
  const outcomes = await Promise.all(ways.map((way) => publish({ ...way, properties }, mandatory)));
  assert.deepEqual(outcomes, ["routed", "routed"]);
  assert.equal(await bus.depth(name("q")), 2);
  assert.equal(await publish({ routingKey: name("never"), properties }, mandatory), "returned");
});

test("the exchange of replies that somebody deletes comes back with what binds a gateway's queue to it", async (t) => {
  // Not while the exchange is deleted: RabbitMQ 4.3 may then list a binding from then on that it does not route by.
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { bus, prefix, publish } = await createSetting(t);
  const names = createNames(prefix);
  const topology = replyTopology(names, "me");
  const got = createArrivals<Delivery>("replies");
  const own = { topology, declareEvery: 20, patience: 1000, onLost: () => {} };
  bus.consume(names.repliesOf("me"), { prefetch: 2, own }, (delivery) => got.add(delivery));
  await untilReady(bus);
  const reply = { exchange: names.replies, routingKey: names.repliesOf("me"), properties: { messageId: "id" } };
  for (let times = 0; times < 2; times++) {
    await removeBehind([], [names.replies]);
    t.mock.timers.tick(20);
    await eventually("a reply finds its queue", async () => {
      const outcome = await publish(reply, { mandatory: true }).catch(() => "refused");
      return outcome === "routed";
    });
    await got.next();
  }
});

test("everything is declared again once a second at most, however many messages come back", async (t) => {
  const { name, declareQueue, publish } = await createSetting(t);
  const queue = await declareQueue();
  let now = Math.ceil(performance.now()); // whole: else a sum of fractions may come out a hair too small
  const clock = t.mock.method(performance, "now", () => now);
  t.after(() => clock.mock.restore());
  const outcome = () => publish({ routingKey: name("q"), properties: { messageId: "id" } }, { mandatory: true });
  await removeBehind([queue]);
  assert.equal(await outcome(), "routed");
  await removeBehind([queue]);
  now += 999;
  assert.equal(await outcome(), "returned");
  now += 1;
  assert.equal(await outcome(), "routed");
});

test("a message that came back is told at its timeout, though the broker is silent when all is declared again", async (t) => {
  const { name, declare, declareQueue, publish, send } = await createSetting(t);
  await declare({ queues: [classic(name("stuck"))] });
  const queue = await declareQueue("gone");
  await send(queue, "x");
  await removeBehind([queue]);
  await tellQueues(node, "suspend", name("stuck"));
  t.after(() => tellQueues(node, "resume", name("stuck")));
  const publishing = publish({ routingKey: queue, properties: { messageId: "id" } }, { mandatory: true, timeout: 500 });
  assert.equal(await Promise.race([publishing, sleep(10_000, "no outcome", { ref: false })]), "returned");
});

test("a queue deleted through the bus does not come back with the next connection", async (t) => {
  const { bus, proxy, name, declareQueue } = await createSetting(t);
  await declareQueue("gone");
  await declareQueue("stays");
  await bus.deleteQueue(name("gone"));
  await removeBehind([name("stays")]);
  await untilReady(bus);
  proxy.reset();
  await eventually("restored", async () => (await bus.depth(name("stays")).catch(() => -1)) === 0);
  assert.equal(await bus.depth(name("gone")), undefined);
});

test("a queue deleted while everything is declared again does not come back", async (t) => {
  const { bus, name, declare, declareQueue, consume } = await createSetting(t);
  const queue = await declareQueue();
  const many = Array.from({ length: 200 }, (_, i) => classic(name(`other${i}`)));
  await declare({ queues: [...many, classic(name("gone"))] });
  await untilReady(bus);
  consume(queue); // declares all of it before it consumes
  await bus.deleteQueue(name("gone"));
  await untilReady(bus);
  assert.equal(await bus.depth(name("gone")), undefined);
});

test("a declaration that the broker refuses is named, and the rest works", async (t) => {
  const { proxy, name, lines, declare, publish, consume } = await createSetting(t);
  const other = await createAmqpTestBus(t, [node.url], { keep: true });
  const otherTopology = { exchanges: [], queues: [classic(name("theirs"))], bindings: [], unbindings: [] };
  await other.declare(otherTopology, { timeout: 5000 });
  await assert.rejects(
    declare({
      exchanges: [{ name: name("x"), type: "fanout" }],
      queues: [classic(name("theirs"), { "x-max-length": 2 }), classic(name("mine"))],
      bindings: [toQueue(name("x"), name("theirs")), toQueue(name("x"), name("mine"))],
    }),
    (error: Error & { code: string }) => error.code === "CONFIG_INVALID" && error.message.includes(name("theirs")),
  );
  const refusals = () =>
    lines.filter(({ level, declaration }) => level === 50 && declaration === `queue ${name("theirs")}`);
  assert.equal(refusals().length, 1);
  proxy.reset();
  await eventually("declared again", () => refusals().length > 1);
  await publish({ exchange: name("x"), body: Buffer.from("1") });
  assert.deepEqual(await consume(name("mine")).take(), ["1"]);
  assert.deepEqual(await consume(name("theirs")).take(), ["1"]);
});

test("what is declared while the broker is away is declared when it comes, and what it refuses is told once", async (t) => {
  const { bus, proxy, name, lines, declare, declareQueue, consume } = await createSetting(t);
  const other = await createAmqpTestBus(t, [node.url], { keep: true });
  const theirs = { exchanges: [], queues: [classic(name("theirs"))], bindings: [], unbindings: [] };
  await other.declare(theirs, { timeout: 5000 });
  await untilReady(bus);
  await proxy.refuse();
  proxy.reset();
  await eventually("the loss is noticed", () => !bus.ready);
  const refused = { code: "CONFIG_INVALID" };
  const declaring = assert.rejects(declare({ queues: [classic(name("theirs"), { "x-max-length": 2 })] }), refused);
  await proxy.accept();
  await declaring;
  await untilReady(bus);
  consume(await declareQueue("mine")); // declares everything again
  await untilReady(bus);
  assert.equal(lines.filter(({ msg }) => msg === "the broker refuses a declaration").length, 1);
});

test("a message larger than the broker takes is refused, though the broker closes the channel and names no exchange, and hinders no other", async (t) => {
  const { declareQueue, publish, send, consume } = await createSetting(t);
  const queue = await declareQueue();
  const large = { routingKey: queue, body: Buffer.alloc(MAX_MESSAGE_SIZE + 1) };
  await assert.rejects(publish(large, { tries: 1, timeout: 20_000 }), { code: "NACKED" });
  await send(queue, "small");
  assert.deepEqual(await consume(queue).take(), ["small"]);
});

test("a frozen broker: every question ends in time, and closing too", async (t) => {
  const { bus, declareQueue, publish, consume } = await createSetting(t);
  const queue = await declareQueue();
  const consumer = consume(queue);
  await untilReady(bus);
  await node.freeze();
  try {
    const took = await elapsed(() =>
      assert.rejects(publish({ routingKey: queue, body: Buffer.from("held later") }, { timeout: 300 }), {
        code: "NOT_HELD",
      }),
    );
    assert.ok(took < 4500, `${took} ms`);
    assert.ok((await elapsed(() => assert.rejects(bus.depth(queue), { code: "NOT_HELD" }))) < 4500);
    assert.ok((await elapsed(() => consumer.cancel())) < 4500);
    assert.ok((await elapsed(() => bus.close())) < 4500);
  } finally {
    node.thaw();
  }
});

test("a queue that answers nobody: its deletion ends in time, and holds up no declaration any longer", async (t) => {
  const { bus, name, declare, declareQueue } = await createSetting(t);
  const queue = await declareQueue();
  await tellQueues(node, "suspend", queue);
  t.after(() => tellQueues(node, "resume", queue));
  const took = await elapsed(() => assert.rejects(bus.deleteQueue(queue), { code: "NOT_HELD" }));
  assert.ok(took < 4500, `${took} ms`);
  await declare({ queues: [classic(name("other"))] });
});

/** A publisher of its own, and how many channels it has opened for everyone. */
async function createPublisher(t: TestContext, url: string, limits: ConstructorParameters<typeof Publisher>[3]) {
  const { log } = createTestLog();
  const link = await createLink({ urls: [url], tls: undefined }, "publisher", log);
  t.after(() => link.close(1000));
  const opened = { count: 0 };
  const publisher = new Publisher(link, async () => void opened.count++, log, limits);
  await eventually("a channel", () => publisher.ready);
  const publish = (routingKey: string, body: Buffer, options: PublishOptions): Promise<unknown> =>
    publisher.publish({ exchange: "", routingKey, body, properties: {} }, options).catch(({ code }) => code as unknown);
  return { opened, publish };
}

test("messages that a queue never confirms are not kept, nor is their channel; what is under way on one replaced for refusals is not published again", async (t) => {
  const { bus, name, declareQueue, url } = await createSetting(t);
  const [silent, slow] = [await declareQueue("stuck.silent"), await declareQueue("stuck.slow")];
  const full = { "x-max-length": 1, "x-overflow": "reject-publish" };
  const [passing, refusing] = [await declareQueue("passing", full), await declareQueue("refusing", full)];
  const limits = { spareAge: 1000, mainAge: 0, unconfirmed: Infinity, silentAge: 0, grace: 20_000 };
  const body = Buffer.from("x");

  // Fewer than are published: on a busy machine not all may be written in time.
  const { opened, publish } = await createPublisher(t, url, { ...limits, unconfirmed: 5 });
  await tellQueues(node, "suspend", name("stuck"));
  const bodies = Array.from({ length: 20 }, () => new WeakRef(Buffer.alloc(100_000)));
  const fates = bodies.map((each) => publish(silent, each.deref() as Buffer, { timeout: 200 }));
  assert.deepEqual(new Set(await Promise.all(fates)), new Set(["NOT_HELD"]));
  collectGarbage();
  assert.deepEqual(
    bodies.filter((each) => each.deref() !== undefined),
    [],
  );
  await eventually("another channel is used", () => opened.count === 2);

  const other = await createPublisher(t, url, limits);
  for (const queue of [passing, refusing]) await other.publish(queue, body, { timeout: 5000 });
  const publishing = other.publish(slow, body, { timeout: 20_000 });
  const passed = other.publish(passing, body, { timeout: 20_000, tries: Infinity });
  const refused = Array.from({ length: 20 }, async () => {
    for (; other.opened.count === 1; await turn()) await other.publish(refusing, body, { timeout: 5000, tries: 1 });
  });
  await sleep(250); // refused twice, it takes the spare channel
  await purgeBehind(passing);
  assert.equal(await passed, "routed");
  await Promise.all(refused);
  await tellQueues(node, "resume", name("stuck"));
  assert.equal(await publishing, "routed");
  assert.equal(await bus.depth(slow), 1);
});

test("after a lost connection a publish waits for a consumer's own queue, no longer than the patience with it", async (t) => {
  const { bus, proxy, name, declareQueue, publish } = await createSetting(t);
  const target = await declareQueue("target");
  const own = name("own");
  const topology = { exchanges: [], queues: [classic(own)], bindings: [], unbindings: [] };
  bus.consume(
    own,
    { prefetch: 1, own: { topology, declareEvery: 60_000, patience: 1000, onLost: () => {} } },
    () => {},
  );
  await untilReady(bus);
  await tellQueues(node, "suspend", own);
  t.after(() => tellQueues(node, "resume", own));
  proxy.reset();
  await eventually("the loss is noticed", () => !bus.ready);
  const took = await elapsed(() => publish({ routingKey: target }));
  assert.ok(took >= 1000 - 1, `${took} ms`);
});

test("to a broker that reads nothing a bounded amount is written, and all of it arrives when it reads again", async (t) => {
  const { bus, proxy, declareQueue, publish } = await createSetting(t);
  const queue = await declareQueue();
  await untilReady(bus);
  proxy.swallow();
  const body = Buffer.alloc(64 * 1024);
  const publishes = Array.from({ length: 2000 }, () =>
    publish({ routingKey: queue, body }, { timeout: 1000 }).then(
      () => "held",
      (error: { code: string }) => error.code,
    ),
  );
  assert.deepEqual(new Set(await Promise.all(publishes)), new Set(["NOT_HELD"]));
  proxy.flow();
  assert.equal(await publish({ routingKey: queue }), "routed");
  assert.ok(((await bus.depth(queue)) ?? 0) < 1500, `${await bus.depth(queue)} were written`);
});

const endAlarm = () => node.rabbitmqctl("set_vm_memory_high_watermark", "0.4");

/** Has the broker block publishing, at the latest until the test's end. */
async function raiseAlarm(t: TestContext, { bus, publish }: Pick<Setting, "bus" | "publish">, queue: string) {
  await node.rabbitmqctl("set_vm_memory_high_watermark", "0.00001");
  t.after(endAlarm);
  await eventually("blocked", async () => {
    await publish({ routingKey: queue }, { timeout: 100 }).catch(() => {}); // the broker tells those who publish
    return !bus.ready;
  });
}

test("under a memory alarm the bus is not ready and publishes end in time; then all is as before", async (t) => {
  const { bus, declareQueue, publish, send, consume } = await createSetting(t);
  const queue = await declareQueue();
  const consumer = consume(queue);
  await untilReady(bus);
  await raiseAlarm(t, { bus, publish }, queue);
  const took = await elapsed(() =>
    assert.rejects(publish({ routingKey: queue }, { timeout: 300 }), { code: "NOT_HELD" }),
  );
  assert.ok(took < 4500, `${took} ms`);
  assert.equal(await bus.depth(queue), 0); // the other connection answers
  const waiting = publish({ routingKey: queue, body: Buffer.from("after") }, { timeout: 60_000 });
  const [fate] = await Promise.all([waiting, endAlarm()]);
  assert.equal(fate, "routed");
  await untilReady(bus);
  await send(queue, "last");
  await eventually("all arrive", () => consumer.deliveries.all.some(({ body }) => body.toString() === "last"));
});

test("a connection that was lost under an alarm is not blocked when it comes back after that", async (t) => {
  const { bus, proxy, declareQueue, publish } = await createSetting(t);
  const queue = await declareQueue();
  await untilReady(bus);
  await raiseAlarm(t, { bus, publish }, queue);
  await proxy.refuse();
  proxy.reset();
  await endAlarm();
  await proxy.accept();
  assert.equal(await publish({ routingKey: queue }, { timeout: 30_000 }), "routed");
});

test("a broker that restarts finds the bus as it was", async (t) => {
  const { bus, name, declare, consume, publish } = await createSetting(t);
  await declare({
    exchanges: [{ name: name("x"), type: "topic" }],
    queues: [classic(name("q"))],
    bindings: [toQueue(name("x"), name("q"), "#")],
  });
  const consumer = consume(name("q"));
  await untilReady(bus);
  await node.restart();
  await publish({ exchange: name("x"), body: Buffer.from("1") }, { timeout: 15_000 });
  assert.deepEqual(await consumer.take(), ["1"]);
  await untilReady(bus, 10_000);
});

test("many reconnects leave nothing behind", async (t) => {
  const { bus, proxy, declareQueue, send, consume } = await createSetting(t);
  const queue = await declareQueue();
  const consumer = consume(queue, 1);
  const resources = async () => {
    await untilReady(bus);
    await send(queue, "x");
    await consumer.take();
    await eventually("two connections", () => proxy.connections === 2);
    await new Promise((resolve) => setTimeout(resolve, 50)); // timers of what has just ended
    return process.getActiveResourcesInfo().length;
  };
  await untilReady(bus);
  const first = await resources();
  for (let i = 0; i < 20; i++) {
    proxy.reset();
    await eventually("the loss is noticed", () => !bus.ready);
    await untilReady(bus);
  }
  const last = await resources();
  assert.ok(last <= first, `${first} sockets and timers at first, ${last} at last`);
});

test("a hundred accounts are declared quickly", async (t) => {
  const { bus, prefix } = await createSetting(t);
  const services = Array.from({ length: 100 }, (_, i) =>
    service({ name: `s${i}`, "listen-endpoints": { "service-path": `/wx${i}` } }),
  );
  const topology = bridgeTopology(await configOf({ services, amqp: { url: node.url, prefix } }));
  const first = await elapsed(() => bus.declare(topology, { timeout: 30_000 }));
  const again = await elapsed(() => bus.declare(topology, { timeout: 30_000 }));
  t.diagnostic(`first ${Math.round(first)} ms, again ${Math.round(again)} ms`);
  assert.ok(again < 5000);
});
