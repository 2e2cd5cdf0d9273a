import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Delivery } from "../../shared/bus/bus.ts";
import type { Names } from "../../shared/bus/names.ts";
import { createDispatching, event, until, type DispatchingOptions } from "./dispatching.ts";

const textOf = ({ body }: Delivery) => body.toString();
const headersOf = ({ properties }: Delivery) => properties.headers ?? {};

test("a rung that cannot make the deadline: the gateway is told not to wait", async (t) => {
  const { publish, watch, names } = await createDispatching(t, {
    handler: { status: 500 },
    settings: { retry: ["10s"] },
  });
  const [waiting, replies] = [watch(names.retryOf("10s")), watch(names.repliesOf("i"))];
  await publish();
  const reply = await replies();
  assert.deepEqual([textOf(reply), headersOf(reply)["x-wx-deferred"]], [`{"type":"success"}`, true]);
  assert.equal(headersOf(await waiting())["x-wx-attempt"], 2);
});

test("a rung that can make it, and a deadline that is over, tell nothing", async (t) => {
  const { publish, watch, names, bus, settled } = await createDispatching(t, { handler: { status: 500 } });
  const waiting = watch(names.retryOf("1s"));
  await publish();
  await publish({ headers: { "x-wx-budget": -1 } });
  await Promise.all([waiting(), waiting(), settled(2)]);
  assert.equal(await bus.depth(names.repliesOf("i")), 0);
});

test("an open breaker: to the ladder without counting an attempt, answered at once, the backend left alone", async (t) => {
  const options = { handler: { status: 500 }, settings: { retry: ["1s"] } };
  const { publish, watch, names, backend, settled, metrics } = await createDispatching(t, options);
  const [waiting, replies] = [watch(names.retryOf("1s")), watch(names.repliesOf("i"))];
  for (let i = 0; i < 5; i++) await publish();
  await settled(5);
  for (let i = 0; i < 5; i++) assert.equal(headersOf(await waiting())["x-wx-attempt"], 2);
  await publish();
  const copy = await waiting();
  assert.equal(headersOf(copy)["x-wx-attempt"], 1);
  assert.equal(headersOf(copy)["x-wx-error"], "the backend failed too often in a row");
  assert.equal(headersOf(await replies())["x-wx-deferred"], true);
  assert.equal(backend.requests.length, 5);
  assert.match(await metrics.registry.metrics(), /wx_breaker_open\{service="shop"\} 1/);
});

test("an open breaker takes the rung of 10 s or more, the time between its probes", async (t) => {
  const { publish, watch, names, settled } = await createDispatching(t, { handler: { status: 500 } });
  const [first, later] = [watch(names.retryOf("1s")), watch(names.retryOf("10s"))];
  for (let i = 0; i < 5; i++) await publish();
  await settled(5);
  await publish();
  assert.equal(headersOf(await later())["x-wx-attempt"], 1);
  assert.equal(headersOf(await first())["x-wx-attempt"], 2);
});

const notHeld = "not held yet, publishing again";
const tries = (lines: readonly string[]) => lines.filter((line) => line.includes(notHeld)).length;

const copies = [
  { status: 400, queueOf: (names: Names) => names.dead, isBound: false },
  { status: 500, queueOf: (names: Names) => names.retryOf("1s"), isBound: true },
];
for (const { status, queueOf, isBound } of copies) {
  test(`status ${status}: nothing is acked before its copy is held, and it is published until somebody does`, async (t) => {
    const { publish, names, bus, lines, settled } = await createDispatching(t, { handler: { status } });
    const queue = queueOf(names);
    await bus.deleteQueue(queue);
    await publish();
    await until(() => tries(lines) >= 2, "two more tries");
    assert.ok(!lines.some((line) => line.includes(`"msg":"delivery"`)), "acked, and nobody has it");
    const binding = { source: queue, destination: queue, to: "queue", routingKey: "" } as const;
    const bindings = isBound ? [binding] : [];
    await bus.declare({ exchanges: [], queues: [{ name: queue, arguments: {} }], bindings, unbindings: [] });
    await settled();
    assert.deepEqual([await bus.depth(queue), await bus.depth(names.dispatchOf("shop"))], [1, 0]);
  });
}

for (const status of [200, 400, 404]) {
  test(`status ${status}: nothing is acked before the reply is held`, async (t) => {
    const { publish, names, bus, lines, settled } = await createDispatching(t, { handler: { status } });
    const replace = async (name: string, source: string, args: object): Promise<void> => {
      await bus.deleteQueue(name);
      const routingKey = source === name ? "" : name;
      const bindings = [{ source, destination: name, to: "queue", routingKey } as const];
      await bus.declare({ exchanges: [], queues: [{ name, arguments: { ...args } }], bindings, unbindings: [] });
    };
    const full = { "x-max-length": 0, "x-overflow": "reject-publish" };
    await replace(names.repliesOf("i"), names.replies, full);
    await replace(names.lateReplies, names.lateReplies, full);
    await publish();
    await until(() => tries(lines) >= 2, "two more tries");
    assert.ok(!lines.some((line) => line.includes(`"msg":"delivery"`)), "acked, and nobody has the reply");
    await replace(names.lateReplies, names.lateReplies, {});
    await settled();
    assert.equal(await bus.depth(names.lateReplies), 1);
  });
}

test("a delivery whose copy nobody holds is back in its queue after a shutdown", async (t) => {
  const options = { handler: { status: 400 } };
  const { publish, names, bus, backend, lines, dispatcher } = await createDispatching(t, options);
  await bus.deleteQueue(names.dead);
  await publish();
  await backend.next();
  await until(() => tries(lines) >= 1, "another try");
  const closedAt = performance.now();
  await dispatcher.close(0);
  assert.ok(performance.now() - closedAt < 4000, "half of what it waits when no patience is given");
  assert.equal(await bus.depth(names.dispatchOf("shop")), 1);
});

test("at shutdown what the backend still works on is given its time", async (t) => {
  const answering = Promise.withResolvers<void>();
  const { publish, watch, names, backend, dispatcher, bus } = await createDispatching(t, {
    handler: async () => {
      await answering.promise;
      return { body: { msg: "slow" } };
    },
  });
  const replies = watch(names.repliesOf("i"));
  await publish();
  await backend.next();
  const closing = dispatcher.close();
  answering.resolve();
  assert.deepEqual(JSON.parse(textOf(await replies())), { type: "text", msg: "slow" });
  await closing;
  assert.equal(await bus.depth(names.dispatchOf("shop")), 0);
});

test("fan-out: nothing is acked before the subscribers have the event", async (t) => {
  const { publish, watch, names, bus, lines, settled } = await createDispatching(t, { settings: { "fan-out": true } });
  const confirmed = Promise.withResolvers<void>();
  const publishAtOnce = bus.publish.bind(bus);
  bus.publish = async (message, options) => {
    if (message.exchange === names.enrichedOf("shop")) await confirmed.promise;
    return publishAtOnce(message, options);
  };
  const replies = watch(names.repliesOf("i"));
  await publish();
  await replies();
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  assert.ok(!lines.some((line) => line.includes(`"msg":"delivery"`)), "acked, and no subscriber has it");
  confirmed.resolve();
  await settled();
});

/** A consumer's queue, "mine", of the account's enriched events. */
async function createFannedOut(t: TestContext, { settings, ...options }: DispatchingOptions = {}) {
  const dispatching = await createDispatching(t, { ...options, settings: { "fan-out": true, ...settings } });
  const { bus, names } = dispatching;
  const binding = { source: names.enriched, destination: "mine", to: "queue", routingKey: "msg.*" } as const;
  await bus.declare({ exchanges: [], queues: [{ name: "mine", arguments: {} }], bindings: [binding], unbindings: [] });
  return dispatching;
}

const withoutBackend = { settings: { "msg-proxy-pass": "" } };

test("fan-out: the event goes to wx.enriched.shop, once, whatever happens at the backend", async (t) => {
  const options = { handler: { status: 500 }, settings: { retry: ["100ms"] } };
  const { publish, names, bus, backend, settled } = await createFannedOut(t, options);
  await publish();
  await settled(2);
  assert.deepEqual([backend.requests.length, await bus.depth("mine"), await bus.depth(names.dead)], [2, 1, 1]);
});

test("fan-out: a copy that comes back from an open breaker is not fanned out again", async (t) => {
  const { publish, bus, settled } = await createFannedOut(t);
  await publish({ headers: { "x-wx-error": "the backend failed too often in a row" } });
  await settled();
  assert.equal(await bus.depth("mine"), 0);
});

test("fan-out without a backend: consumers answer, and find the event as it was published", async (t) => {
  const { publish, watch, names, bus, backend, settled } = await createFannedOut(t, withoutBackend);
  const mine = watch("mine");
  await publish();
  const copy = await mine();
  assert.equal(textOf(copy), event);
  assert.deepEqual(
    [copy.routingKey, copy.properties.replyTo, headersOf(copy)["x-wx-attempt"]],
    ["msg.text", "wx.replies.i", 1],
  );
  await settled();
  assert.deepEqual([backend.requests.length, await bus.depth(names.repliesOf("i"))], [0, 0]);
});

test("fan-out: an event that waited for the dispatcher says what is left of its budget", async (t) => {
  const { publish, watch, settled } = await createFannedOut(t);
  const mine = watch("mine");
  await publish({ headers: { "x-wx-deadline": Date.now() - 1 } });
  assert.equal(headersOf(await mine())["x-wx-budget"], 0);
  await settled();
});

test("fan-out without a backend: a retry that was left when there was one still goes to the consumers", async (t) => {
  const { publish, watch, settled } = await createFannedOut(t, withoutBackend);
  const mine = watch("mine");
  await publish({ headers: { "x-wx-attempt": 2, "x-wx-error": "status 500" } });
  assert.equal(headersOf(await mine())["x-wx-attempt"], 2);
  await settled();
});

test('ordering "user": a wait longer than the minute ends in wx.dead, as a retry queue would bring the event back behind later ones', async (t) => {
  const options = { handler: { status: 500 }, settings: { ordering: "user", retry: ["2m"] } };
  const { publish, watch, names, bus, settled } = await createDispatching(t, options);
  const dead = watch(names.dead);
  await publish();
  await settled();
  assert.equal(await bus.depth(names.retryOf("2m")), 0);
  const headers = headersOf(await dead());
  assert.deepEqual([headers["x-wx-reason"], headers["x-wx-attempt"]], ["exhausted", 1]);
});
