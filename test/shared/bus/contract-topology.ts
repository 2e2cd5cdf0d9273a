import assert from "node:assert/strict";
import { test } from "node:test";
import { createNames } from "../../../shared/bus/names.ts";
import { bridgeTopology, replyTopology } from "../../../shared/bus/bridge-topology.ts";
import { configOf, service } from "../config/sample-config.ts";
import { classic, createBench, toQueue, type CreateBus } from "./bench.ts";

/** The bridge's own exchanges and queues. */
export function topologyContract(createBus: CreateBus): void {
  test("declaring again, or more, changes nothing that is there", async (t) => {
    const { bus, name, declare, publish } = createBench(await createBus(t));
    const exchanges = [{ name: name("x"), type: "fanout" as const }];
    const bindings = [toQueue(name("x"), name("q"))];
    await declare({ exchanges, queues: [classic(name("q"))], bindings });
    await publish({ exchange: name("x") });
    await declare({ exchanges, queues: [classic(name("q")), classic(name("r"))], bindings });
    await publish({ exchange: name("x") });
    assert.deepEqual([await bus.depth(name("q")), await bus.depth(name("r"))], [2, 0]);
  });

  test("the whole topology of a config works: events, dispatch, retry, replies, late replies", async (t) => {
    const { bus, prefix, declare, publish, consume } = createBench(await createBus(t));
    const services = [
      { name: "shop", "msg-proxy-pass": "http://127.0.0.1:1", retry: ["1s", "10s"], "fan-out": true },
      { name: "店铺", "fan-out": true, "listen-endpoints": { "service-path": "/wx2" } },
    ].map((changes) => service(changes));
    const config = await configOf({ services, amqp: { url: "amqp://127.0.0.1", prefix } });
    const names = createNames(prefix);
    for (let i = 0; i < 2; i++) await declare(bridgeTopology(config));
    await declare(replyTopology(names, "me"));
    await declare({
      queues: [classic(`${prefix}.mine`)],
      bindings: [toQueue(names.events, `${prefix}.mine`, "msg.*")],
    });

    const properties = { messageId: "id", type: "msg.text" };
    const push = (account: string) =>
      publish({ exchange: names.eventsOf(account), routingKey: "msg.text", properties }, { mandatory: true });
    assert.equal(await push("shop"), "routed");
    const dispatched = consume(names.dispatchOf("shop"));
    const [event] = await dispatched.deliveries.next();
    assert.deepEqual([event?.exchange, event?.routingKey], [names.eventsOf("shop"), "msg.text"]);
    assert.equal(await push("店铺"), "routed");
    assert.equal((await consume(`${prefix}.mine`).deliveries.next(2)).length, 2);

    const queue = names.dispatchOf("shop");
    await publish({ exchange: names.retryOf("1s"), routingKey: queue, properties });
    event?.ack();
    const [retried] = await dispatched.deliveries.next();
    assert.deepEqual([retried?.exchange, retried?.routingKey, retried?.properties.type], ["", queue, "msg.text"]);
    retried?.ack();

    for (const key of [names.repliesOf("me"), names.repliesOf("gone")]) {
      await publish({ exchange: names.replies, routingKey: key, body: Buffer.from(key) });
    }
    assert.deepEqual(await consume(names.repliesOf("me")).take(), [names.repliesOf("me")]);
    assert.deepEqual(await consume(names.lateReplies).take(), [names.repliesOf("gone")]);
    await publish({ routingKey: names.dead });
    await publish({ routingKey: names.unrouted });
    assert.deepEqual([await bus.depth(names.dead), await bus.depth(names.unrouted)], [1, 1]);
  });
}
