import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery } from "../../shared/bus/bus.ts";
import { createDispatching, event, traceparent } from "./dispatching.ts";

const textOf = ({ body }: Delivery) => body.toString();
const headersOf = ({ properties }: Delivery) => properties.headers ?? {};

test("a reply goes to the queue that waits, with the event's identity, and the delivery is gone", async (t) => {
  const { publish, watch, names, bus, settled, dispatcher, metrics } = await createDispatching(t);
  const replies = watch(names.repliesOf("i"));
  await publish();
  const reply = await replies();
  assert.deepEqual(JSON.parse(textOf(reply)), { type: "text", msg: "ok" });
  assert.deepEqual([reply.exchange, reply.routingKey], ["wx.replies", "wx.replies.i"]);
  assert.deepEqual(reply.properties, {
    contentType: "application/json",
    messageId: "shop/oUSER/1",
    correlationId: "shop/oUSER/1",
    type: "msg.text",
    headers: { "x-wx-contract": 1, "x-wx-service": "shop" },
  });
  await settled();
  await dispatcher.close(); // gives back what is not acked
  assert.doesNotMatch(await metrics.registry.metrics(), /unusable/);
  for (const queue of [names.dispatchOf("shop"), names.dead, names.unrouted]) assert.equal(await bus.depth(queue), 0);
});

test("nobody waits: the backend is asked and no reply published", async (t) => {
  const { publish, backend, names, bus, settled } = await createDispatching(t);
  await publish({ properties: { replyTo: undefined } as object });
  await settled();
  assert.equal(backend.requests.length, 1);
  assert.equal(await bus.depth(names.repliesOf("i")), 0);
});

const ladder = ["1s", "10s", "1m", "10m", "1h", "6h", "24h"];
for (const [i, delay] of ladder.entries()) {
  test(`failure ${i + 1} goes to wx.retry.${delay}, to come back as attempt ${i + 2}`, async (t) => {
    const { publish, watch, names } = await createDispatching(t, { handler: { status: 503 } });
    const waiting = watch(names.retryOf(delay));
    const deadline = Date.now() - 1;
    await publish({
      headers: { "x-wx-attempt": i + 1, "x-wx-deadline": deadline, "x-death": [{}], "x-first-death-queue": "q" },
    });
    const copy = await waiting();
    assert.deepEqual([copy.exchange, copy.routingKey], [`wx.retry.${delay}`, "wx.dispatch.shop"]);
    assert.equal(textOf(copy), event);
    assert.deepEqual(copy.properties, {
      contentType: "application/json",
      messageId: "shop/oUSER/1",
      correlationId: "shop/oUSER/1",
      replyTo: "wx.replies.i",
      timestamp: 1,
      type: "msg.text",
      appId: "wx1",
      headers: {
        "x-wx-contract": 1,
        "x-wx-service": "shop",
        "x-wx-deadline": deadline,
        "x-wx-budget": 4500,
        "x-wx-attempt": i + 2,
        "x-wx-error": "status 503",
        traceparent,
      },
    });
  });
}

test("after the wait it comes back to the backend, attempt by attempt, until it is taken", async (t) => {
  const { publish, watch, backend, names, metrics, settled } = await createDispatching(t, {
    settings: { retry: ["100ms", "200ms"] },
  });
  let n = 0;
  backend.answer(() => (++n < 3 ? { status: 500 } : { body: { msg: "third" } }));
  const replies = watch(names.repliesOf("i"));
  await publish();
  assert.deepEqual(JSON.parse(textOf(await replies())), { type: "text", msg: "third" });
  const attempts = backend.requests.map(({ headers }) => headers["x-wx-attempt"]);
  assert.deepEqual(attempts, ["1", "2", "3"]);
  const [first = 0, second = 0, third = 0] = backend.requests.map(({ at }) => at);
  assert.ok(second - first >= 95 && third - second >= 195, `${second - first} ms, ${third - second} ms`);
  const bodies = new Set(backend.requests.map(({ body, path }) => path + body));
  assert.deepEqual([...bodies], [`/msg/text${event}`]);
  await settled(3);
  const told = await metrics.registry.metrics();
  for (const delay of ["100ms", "200ms"])
    assert.ok(told.includes(`wx_retries_total{service="shop",delay="${delay}"} 1\n`), told);
});

test("how long a delivery took is told in seconds", async (t) => {
  const { publish, metrics, settled } = await createDispatching(t, { handler: { delayMs: 100 } });
  const startedAt = performance.now();
  await publish();
  await settled();
  const told = await metrics.registry.metrics();
  assert.match(told, /wx_delivery_seconds_count\{service="shop"\} 1\n/);
  const seconds = Number(/wx_delivery_seconds_sum\{service="shop"\} (.*)/.exec(told)?.[1]);
  assert.ok(seconds >= 0.095 && seconds <= (performance.now() - startedAt + 1) / 1000, `${seconds} s`);
});

const givenUp: [name: string, options: object, attempt: number, reason: string, error: string][] = [
  ["the ladder's end", { handler: { status: 500 } }, 8, "exhausted", "status 500"],
  ["retry []", { handler: { status: 429 }, settings: { retry: [] } }, 1, "exhausted", "status 429"],
  ["rejected", { handler: { status: 403 } }, 1, "rejected", "status 403"],
  ["a redirect", { handler: { status: 302 } }, 2, "rejected", "status 302"],
  [
    "unhandled and dead-letter",
    { handler: { status: 404 }, settings: { unhandled: "dead-letter" } },
    1,
    "unhandled",
    "status 404",
  ],
];
for (const [name, options, attempt, reason, error] of givenUp) {
  test(`given up: ${name}`, async (t) => {
    const { publish, watch, names, metrics } = await createDispatching(t, options);
    const [dead, replies] = [watch(names.dead), watch(names.repliesOf("i"))];
    await publish({ headers: { "x-wx-attempt": attempt } });
    const copy = await dead();
    assert.equal(textOf(copy), event);
    assert.partialDeepStrictEqual(copy.properties, {
      messageId: "shop/oUSER/1",
      type: "msg.text",
      headers: {
        "x-wx-service": "shop",
        "x-wx-attempt": attempt,
        "x-wx-reason": reason,
        "x-wx-error": error,
        traceparent,
      },
    });
    assert.equal(textOf(await replies()), `{"type":"success"}`, "WeChat is answered without waiting");
    assert.match(
      await metrics.registry.metrics(),
      new RegExp(`wx_dead_total\\{service="shop",reason="${reason}"\\} 1`),
    );
  });
}

test("given up when the deadline is over: nobody is answered any more", async (t) => {
  const { publish, names, bus, settled } = await createDispatching(t, { handler: { status: 403 } });
  await publish({ headers: { "x-wx-budget": -1 } });
  await settled();
  assert.deepEqual([await bus.depth(names.dead), await bus.depth(names.repliesOf("i"))], [1, 0]);
});

test("unhandled: success, counted, warned once an hour a key", async (t) => {
  const { publish, watch, names, bus, lines, settled, metrics } = await createDispatching(t, {
    handler: { status: 404 },
  });
  const replies = watch(names.repliesOf("i"));
  for (const identity of ["a", "b", "c"])
    await publish({ properties: { messageId: identity, correlationId: identity } });
  for (let i = 0; i < 3; i++) assert.equal(textOf(await replies()), `{"type":"success"}`);
  await settled(3);
  assert.equal(await bus.depth(names.dead), 0);
  assert.equal(lines.filter((line) => line.includes("does not handle this kind")).length, 1);
  assert.match(
    await metrics.registry.metrics(),
    /wx_deliveries_total\{service="shop",key="msg.text",outcome="unhandled"\} 3/,
  );
});

test("delivered again and again without an end: wx.dead, and the backend is not asked", async (t) => {
  const { publish, watch, names, backend } = await createDispatching(t);
  const dead = watch(names.dead);
  await publish({ headers: { "x-delivery-count": 20, "x-acquired-count": 21 } });
  const headers = headersOf(await dead());
  assert.equal(headers["x-wx-reason"], "poison");
  assert.ok(!("x-delivery-count" in headers));
  assert.ok(!("x-acquired-count" in headers));
  assert.equal(backend.requests.length, 0);
});

test("a reply that cannot be used is success, warned of and counted", async (t) => {
  const { publish, watch, names, lines, metrics } = await createDispatching(t, {
    handler: { body: "<html>of a user" },
  });
  const replies = watch(names.repliesOf("i"));
  await publish();
  assert.equal(textOf(await replies()), `{"type":"success"}`);
  assert.ok(lines.some((line) => line.includes("the backend's reply cannot be used")));
  assert.ok(!lines.some((line) => line.includes("of a user")));
  assert.match(await metrics.registry.metrics(), /wx_replies_total\{service="shop",outcome="unusable"\} 1/);
});
