import assert from "node:assert/strict";
import { test } from "node:test";
import { createOutbox } from "../../dispatcher/outbox.ts";
import { MemoryBus } from "../../shared/bus/memory-bus.ts";
import { createNames } from "../../shared/bus/topology.ts";
import type { Delivery } from "../../shared/bus/bus.ts";
import { createArrivals } from "../support/arrivals.ts";
import { createKeptLog } from "../shared/api/api-server.ts";
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
    const delivery = await deliveryFrom(bus);
    return outbox.dead(delivery, eventOf(), "rejected", "status 400");
  };
  return { bus, bury, stopping, find };
}

/** A delivery as a consumer gets it. */
async function deliveryFrom(bus: MemoryBus): Promise<Delivery> {
  const arrivals = createArrivals<Delivery>("deliveries");
  const consumer = bus.consume("source", { prefetch: 1 }, (delivery) => arrivals.add(delivery));
  const properties = { messageId: "shop/oUSER/22277834746191186", type: "msg.text" };
  await bus.publish({ exchange: "", routingKey: "source", body: Buffer.from("{}"), properties }, { timeout: 1000 });
  const [delivery] = await arrivals.next();
  await consumer.cancel();
  return delivery ?? assert.fail();
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

test("shutting down ends the waiting", async () => {
  const { bus, bury, stopping, find } = await createFullOutbox();
  await bury();
  const second = bury();
  await until(() => find("not held yet").length > 0, "another try");
  stopping.abort(new Error("shutting down"));
  await assert.rejects(second);
  assert.equal(await bus.depth(names.dead), 1);
  await assert.rejects(bury(), /shutting down/);
});
