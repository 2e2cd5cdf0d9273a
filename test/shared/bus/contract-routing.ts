import assert from "node:assert/strict";
import { test } from "node:test";
import { classic, createBench, toExchange, toQueue, type CreateBus } from "./bench.ts";

const keys = ["", "a", "a.b", "a.b.c", "a.", ".a", "a..c", "b", "event.CLICK", "event.LOCATION", "event.location"];

/** Which of the keys each pattern matches, as RabbitMQ has it. */
const matches: Record<string, string[]> = {
  "#": keys,
  "*": ["a", "b"],
  a: ["a"],
  "": [""],
  "a.": ["a."],
  "a.*": ["a.b", "a."],
  "a.#": ["a", "a.b", "a.b.c", "a.", "a..c"],
  "#.c": ["a.b.c", "a..c"],
  "*.*": ["a.b", "a.", ".a", "event.CLICK", "event.LOCATION", "event.location"],
  "a.*.c": ["a.b.c", "a..c"],
  "*.#.*": ["a.b", "a.b.c", "a.", ".a", "a..c", "event.CLICK", "event.LOCATION", "event.location"],
  "#.#": keys,
  "#.a.#": ["a", "a.b", "a.b.c", "a.", ".a", "a..c"],
  "event.LOCATION": ["event.LOCATION"],
  "event.*": ["event.CLICK", "event.LOCATION", "event.location"],
};

/** Where messages go. */
export function routingContract(createBus: CreateBus): void {
  test("topic: # is any number of words, * exactly one, case counts", async (t) => {
    const { name, declare, publish, consume } = createBench(await createBus(t));
    const queues = Object.keys(matches).map((pattern, i) => ({ pattern, queue: name(`q${i}`) }));
    await declare({
      exchanges: [{ name: name("x"), type: "topic" }],
      queues: queues.map(({ queue }) => classic(queue)),
      bindings: queues.map(({ pattern, queue }) => toQueue(name("x"), queue, pattern)),
    });
    for (const key of keys) await publish({ exchange: name("x"), routingKey: key, body: Buffer.from(key) });
    for (const { pattern, queue } of queues) {
      await publish({ routingKey: queue, body: Buffer.from("the last one") });
      const expected = [...(matches[pattern] ?? []), "the last one"];
      assert.deepEqual(await consume(queue, 100).take(expected.length), expected, `pattern ${pattern}`);
    }
  });

  test("direct, fanout and default exchange; one message per queue however many bindings match", async (t) => {
    const { bus, name, declare, publish } = createBench(await createBus(t));
    const [direct, fanout, topic] = [name("direct"), name("fanout"), name("topic")];
    await declare({
      exchanges: [
        { name: direct, type: "direct" },
        { name: fanout, type: "fanout" },
        { name: topic, type: "topic" },
      ],
      queues: ["a", "b"].map((part) => classic(name(part))),
      bindings: [
        toQueue(direct, name("a"), "k"),
        toQueue(direct, name("b"), "#"),
        toQueue(fanout, name("a")),
        toQueue(fanout, name("b"), "any"),
        toQueue(topic, name("a"), "#"),
        toQueue(topic, name("a"), "k.*"),
      ],
    });
    const depths = async () => [await bus.depth(name("a")), await bus.depth(name("b"))];
    await publish({ exchange: direct, routingKey: "k" });
    assert.deepEqual(await depths(), [1, 0]);
    await publish({ exchange: fanout, routingKey: "whatever" });
    assert.deepEqual(await depths(), [2, 1]);
    await publish({ exchange: topic, routingKey: "k.l" });
    assert.deepEqual(await depths(), [3, 1]);
    await publish({ routingKey: name("b") });
    assert.deepEqual(await depths(), [3, 2]);
  });

  test("exchanges bound to exchanges, each with its own patterns, in a circle, too", async (t) => {
    const { name, declare, publish, consume } = createBench(await createBus(t));
    const [one, all] = [name("one"), name("all")];
    await declare({
      exchanges: [
        { name: one, type: "topic" },
        { name: all, type: "topic" },
      ],
      queues: [classic(name("q"))],
      bindings: [toExchange(one, all, "event.#"), toExchange(all, one, "#"), toQueue(all, name("q"), "*.CLICK")],
    });
    const outcomes = [];
    for (const routingKey of ["msg.CLICK", "event.VIEW", "event.CLICK"]) {
      outcomes.push(
        await publish({ exchange: one, routingKey, properties: { messageId: routingKey } }, { mandatory: true }),
      );
    }
    assert.deepEqual(outcomes, ["returned", "returned", "routed"]);
    const [delivery] = await consume(name("q")).deliveries.next();
    assert.deepEqual([delivery?.exchange, delivery?.routingKey], [one, "event.CLICK"]);
  });

  test("an alternate exchange takes what its exchange has no binding for, which counts as routed", async (t) => {
    const { name, declare, publish, consume } = createBench(await createBus(t));
    await declare({
      exchanges: [
        { name: name("late"), type: "fanout" },
        { name: name("replies"), type: "direct", arguments: { "alternate-exchange": name("late") } },
      ],
      queues: [classic(name("mine")), classic(name("late"))],
      bindings: [toQueue(name("replies"), name("mine"), "mine"), toQueue(name("late"), name("late"))],
    });
    const reply = (routingKey: string) =>
      publish(
        { exchange: name("replies"), routingKey, body: Buffer.from(routingKey), properties: { messageId: routingKey } },
        { mandatory: true },
      );
    assert.deepEqual([await reply("mine"), await reply("gone")], ["routed", "routed"]);
    assert.deepEqual(await consume(name("mine")).take(), ["mine"]);
    const [late] = await consume(name("late")).deliveries.next();
    assert.deepEqual([late?.exchange, late?.routingKey], [name("replies"), "gone"]);
  });

  test("an unbinding undoes a binding and nothing else; one that is not there is no error", async (t) => {
    const { name, declare, publish } = createBench(await createBus(t));
    const bindings = ["a", "b"].map((key) => toQueue(name("x"), name("q"), key));
    await declare({ exchanges: [{ name: name("x"), type: "direct" }], queues: [classic(name("q"))], bindings });
    const unbindings = [toQueue(name("x"), name("q"), "a"), toQueue(name("x"), name("q"), "never")];
    for (let i = 0; i < 2; i++) await declare({ unbindings });
    const outcome = (routingKey: string) =>
      publish({ exchange: name("x"), routingKey, properties: { messageId: routingKey } }, { mandatory: true });
    assert.deepEqual([await outcome("a"), await outcome("b")], ["returned", "routed"]);
  });
}
