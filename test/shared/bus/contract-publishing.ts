import assert from "node:assert/strict";
import { test } from "node:test";
import type { Properties } from "../../../shared/bus/bus.ts";
import { classic, createBench, toQueue, untilReady, type CreateBus } from "./bench.ts";

const properties: Required<Properties> = {
  contentType: "application/json",
  messageId: "shop/o%2F1/3705115058471208928",
  correlationId: "shop/o%2F1/3705115058471208928",
  replyTo: "wx.replies.1",
  timestamp: 1_720_000_000,
  type: "event.CLICK",
  appId: "wx1234567890abcdef",
  headers: {
    "x-wx-contract": 1,
    "x-wx-service": "店铺",
    "x-wx-deadline": 1_720_000_004_500,
    "x-wx-budget": 4499.5,
    "x-below": -3_000_000_000,
    "x-wx-deferred": true,
    "x-off": false,
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "x-unset": undefined,
  },
};

/** What a publish promises. */
export function publishingContract(createBus: CreateBus): void {
  test("a message arrives with body, properties and headers as they were", async (t) => {
    const { declareQueue, publish, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    const body = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 256));
    await publish({ routingKey: queue, body, properties });
    await publish({ routingKey: queue, body: Buffer.alloc(0) });
    const [full, empty] = await consume(queue).deliveries.next(2);
    assert.ok(full && empty);
    assert.ok(full.body.equals(body));
    const { headers, ...others } = full.properties;
    const { headers: sentHeaders, ...sent } = properties;
    assert.deepEqual(
      Object.fromEntries(Object.keys(sent).map((key) => [key, others[key as keyof typeof others]])),
      sent,
    );
    assert.deepEqual(JSON.parse(JSON.stringify(headers)), JSON.parse(JSON.stringify(sentHeaders)));
    assert.deepEqual([full.exchange, full.routingKey, full.redelivered], ["", queue, false]);
    assert.equal(empty.body.length, 0);
    assert.equal(empty.properties.messageId, undefined);
  });

  test("a message has its own headers, whatever the one before had", async (t) => {
    const { declareQueue, publish, consume } = createBench(await createBus(t));
    const queue = await declareQueue();
    const sent: Properties["headers"][] = [
      { "x-wx-contract": 1, "x-wx-deferred": true },
      { "x-wx-contract": 1 },
      { constructor: "foreign", "x-wx-contract": 2 },
      undefined,
      {},
      { "x-wx-attempt": 3 },
    ];
    await Promise.all(sent.map((headers) => publish({ routingKey: queue, properties: headers ? { headers } : {} })));
    const deliveries = await consume(queue).deliveries.next(sent.length);
    assert.deepEqual(
      deliveries.map(({ properties: { headers } }) => ({ ...headers })),
      sent.map((headers) => headers ?? {}),
    );
  });

  test("what one consumer changes about a message is not seen by others", async (t) => {
    const { name, declare, publish, consume } = createBench(await createBus(t));
    const [a, b] = [name("a"), name("b")];
    await declare({
      exchanges: [{ name: name("x"), type: "fanout" }],
      queues: [classic(a), classic(b)],
      bindings: [toQueue(name("x"), a), toQueue(name("x"), b)],
    });
    await publish({ exchange: name("x"), properties: { type: "t", headers: { h: 1 } } });
    const [first] = await consume(a).deliveries.next();
    assert.ok(first?.properties.headers);
    first.properties.type = "changed";
    first.properties.headers["h"] = 2;
    const [second] = await consume(b).deliveries.next();
    assert.deepEqual([second?.properties.type, second?.properties.headers?.["h"]], ["t", 1]);
  });

  test("resolves once the message is in its queue", async (t) => {
    const { bus, declareQueue, send } = createBench(await createBus(t));
    const queue = await declareQueue();
    for (let i = 1; i <= 5; i++) {
      await send(queue, `${i}`);
      assert.equal(await bus.depth(queue), i);
    }
  });

  test("mandatory tells what came back, message by message, though many share an id", async (t) => {
    const { declareQueue, publish, name } = createBench(await createBus(t));
    const queue = await declareQueue();
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        publish({ routingKey: i % 3 ? queue : name("none"), properties: { messageId: "same" } }, { mandatory: true }),
      ),
    );
    assert.deepEqual(
      outcomes,
      Array.from({ length: 40 }, (_, i) => (i % 3 ? "routed" : "returned")),
    );
    assert.equal(await publish({ routingKey: name("none") }), "routed"); // not asked for
  });

  test("a publish to a missing exchange is refused, and hinders no other", async (t) => {
    const { bus, declareQueue, publish, name } = createBench(await createBus(t));
    const queue = await declareQueue();
    const refused = assert.rejects(publish({ exchange: name("missing") }), { code: "NACKED" });
    const others = Array.from({ length: 20 }, () => publish({ routingKey: queue }));
    assert.deepEqual(new Set(await Promise.all(others)), new Set(["routed"]));
    await refused;
    assert.ok(((await bus.depth(queue)) ?? 0) >= 20);
  });

  test("in place of a delivery that is gone, and so comes again, nothing is published", async (t) => {
    const { bus, declareQueue, publish } = createBench(await createBus(t));
    const queue = await declareQueue();
    const inPlaceOf = (isGone: boolean) => publish({ routingKey: queue }, { source: { isGone: () => isGone } });
    await assert.rejects(inPlaceOf(true), { code: "NOT_HELD" });
    assert.equal(await inPlaceOf(false), "routed");
    assert.equal(await bus.depth(queue), 1);
  });

  test("no consumer ever runs inside publish, nor one delivery inside another", async (t) => {
    const { bus, declareQueue, publish } = createBench(await createBus(t));
    const queue = await declareQueue();
    let inside = false;
    let nested = 0;
    let left = 10;
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    const act = (): void => {
      inside = true;
      publish({ routingKey: queue }).catch(reject);
      inside = false;
    };
    bus.consume(queue, { prefetch: 5 }, (delivery) => {
      if (inside || nested++ > 0) reject(new Error("a consumer ran inside publish"));
      act();
      delivery.ack();
      nested--;
      if (--left === 0) resolve();
    });
    await untilReady(bus);
    act();
    await done;
  });

  test("a closed bus takes nothing more", async (t) => {
    const { bus, declareQueue, publish } = createBench(await createBus(t));
    const queue = await declareQueue();
    await publish({ routingKey: queue });
    await bus.close();
    assert.equal(bus.ready, false);
    await assert.rejects(publish({ routingKey: queue }), { code: "NOT_HELD" });
    await bus.close();
  });
}
