import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { createConsumer, type Context } from "../../shared/consumer/consumer.ts";
import { runCommand, writeTemporary } from "../cli/run-command.ts";
import type { LogLine } from "../shared/bus/test-log.ts";
import { createArrivals, type Arrivals } from "../support/arrivals.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";
import { contentOf, parseReply } from "../support/wechat-reply.ts";
import { openChannel } from "./broker-channel.ts";
import { createKit, event, text } from "./consumer-kit.ts";
import { brokerUrl, createProxiedBroker, createSystem, type System } from "./system.ts";

const shop = { bus: "rabbitmq", services: [{ name: "shop", delivery: "amqp" }] } as const;
test("handlers by key and pattern, the first that matches; replies of every form reach WeChat", async (t) => {
  const system = await createSystem(t, { ...shop, services: [...shop.services] });
  const contexts: Context[] = [];
  const { consumer } = createKit(t, system);
  consumer
    .on("msg.text", (push, context) => {
      contexts.push(context);
      return `you wrote ${push.Content}, ${context.remaining() > 3000 ? "time is left" : "it is late"}`;
    })
    .on("event.CLICK", (push) => ({ type: "text", msg: `menu item ${push.EventKey}` }))
    .on("event.*", async (push, context) => {
      await context.reply(`early, for ${String(push["Event"])}`);
      return "late";
    });
  await consumer.start();

  const wechat = system.wechat("shop");
  assert.equal(contentOf(await wechat.push(text("hello"))), "you wrote hello, time is left");
  assert.equal(contentOf(await wechat.push(event("CLICK", "K1"))), "menu item K1");
  assert.equal(contentOf(await wechat.push(event("VIEW"))), "early, for VIEW");
  const [{ identity, traceparent, ...context } = assert.fail()] = contexts;
  assert.match(identity, /^shop\/oUSER1\/\d+$/);
  assert.match(String(traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  const { service, routingKey, attempt, signal } = context;
  assert.deepEqual({ service, routingKey, attempt }, { service: "shop", routingKey: "msg.text", attempt: 1 });
  assert.equal(signal.aborted, false);
});

test("nothing to say is no reply; a key that only the queue's bindings name is acked", async (t) => {
  const services = [{ name: "shop", delivery: "amqp", "reply-budget": "700ms" }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const { consumer, queue, lines } = createKit(t, system, { bind: ["#"] });
  consumer.on("msg.text", () => {});
  await consumer.start();
  assert.equal((await system.wechat("shop").push(text("hello"))).opened, "success");
  assert.equal((await system.wechat("shop").push(event("VIEW"))).opened, "success");
  const ended = lines.all.filter(({ msg }) => msg === "delivery").map(({ key, outcome }) => ({ key, outcome }));
  assert.deepEqual(ended, [
    { key: "msg.text", outcome: "taken" },
    { key: "event.VIEW", outcome: "unmatched" },
  ]);
  assert.match(await system.metrics(), /wx_pushes_total\{service="shop",key="msg.text",outcome="late"\} 1/);
  assert.equal((await (await openChannel(t)).checkQueue(queue)).messageCount, 0);
});

test("a handler that throws has another try in time; after the last one the event is dead", async (t) => {
  const system = await createSystem(t, { ...shop, services: [...shop.services] });
  const { consumer, queue } = createKit(t, system, { retry: ["100ms"] });
  const attempts: [string, number][] = [];
  consumer.on("msg.text", (push, { attempt, routingKey }) => {
    attempts.push([`${routingKey} ${push.Content}`, attempt]);
    if (push.Content === "hopeless" || attempt === 1) throw new Error(`no ${push.Content}`);
    return "at last";
  });
  await consumer.start();
  assert.equal(contentOf(await system.wechat("shop").push(text("luck"))), "at last");
  assert.equal((await system.wechat("shop").push(text("hopeless"))).opened, "success");
  assert.deepEqual(attempts, [
    ["msg.text luck", 1],
    ["msg.text luck", 2],
    ["msg.text hopeless", 1],
    ["msg.text hopeless", 2],
  ]);
  const letter = await (await openChannel(t)).get(`${system.prefix}.dead`, { noAck: true });
  assert.ok(letter);
  const { headers, type } = letter.properties;
  const { "x-wx-reason": reason, "x-wx-attempt": attempt, "x-wx-error": error, "x-wx-queue": from } = headers ?? {};
  assert.deepEqual(
    { type, reason, attempt, error, from },
    { type: "msg.text", reason: "exhausted", attempt: 2, error: "no hopeless", from: queue },
  );
});

test("a handler that throws after its reply leaves nobody waiting: no other try's reply reaches the user", async (t) => {
  const system = await createSystem(t, { ...shop, services: [...shop.services] });
  const { consumer, lines } = createKit(t, system, { retry: ["100ms"] });
  consumer.on("msg.text", async (_push, { attempt, reply }) => {
    void reply(`try ${attempt}`);
    throw Object.create(null);
  });
  await consumer.start();
  const { opened } = await system.wechat("shop").push(text("hello"));
  assert.equal(parseReply(opened)["Content"], "try 1");
  while ((await lines.next())[0]?.["outcome"] !== "exhausted");
  const letter = await (await openChannel(t)).get(`${system.prefix}.dead`, { noAck: true });
  assert.ok(letter);
  assert.equal(letter.properties.replyTo, undefined);
  assert.match(await system.metrics("dispatcher"), /wx_late_replies_total\{service="shop",outcome="dropped"\} 0/);
  assert.equal(letter.properties.headers?.["x-wx-error"], "[object Object]");
});

test("an empty type says none: what the handler returned is a text", async (t) => {
  const system = await createSystem(t, { ...shop, services: [...shop.services] });
  const { consumer } = createKit(t, system);
  consumer.on("msg.text", (push) => ({ type: "", msg: `you wrote ${push.Content}` }) as never);
  await consumer.start();
  assert.equal(contentOf(await system.wechat("shop").push(text("hello"))), "you wrote hello");
});

test("what is no reply leaves the answer to others; as an explicit reply it is an error", async (t) => {
  const services = [{ name: "shop", delivery: "amqp", reply: ["msg.*"] }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const other = createKit(t, system);
  const { consumer, lines } = createKit(t, system);
  const values = [null, 5, true, [], new Map(), { affectedRows: 1 }, { type: "txt", msg: "x" }];
  const queued = [...values];
  consumer.on("msg.text", () => queued.shift() as never);
  consumer.on("event.CLICK", (_push, { reply }) => reply({ type: "txt", msg: "x" } as never));
  const waiting = createArrivals<() => void>("handlers");
  other.consumer.on("msg.text", async () => {
    await new Promise<void>((resolve) => waiting.add(resolve));
    return "the real one";
  });
  await Promise.all([consumer.start(), other.consumer.start()]);
  for (const value of values) {
    const answering = system.wechat("shop").push(text("hello"));
    while ((await lines.next())[0]?.["outcome"] !== "taken");
    const [release] = await waiting.next();
    release?.();
    assert.equal(parseReply((await answering).opened)["Content"], "the real one", inspect(value));
  }
  assert.equal(lines.all.filter(({ msg }) => msg.startsWith("what the handler returned")).length, values.length - 1);
  await system.wechat("shop").push(event("CLICK"));
  let [line] = await lines.next();
  while (line?.["outcome"] !== "retry") [line] = await lines.next();
  assert.match(String(line["reason"]), /^a reply is a text, or an object such as/);
});

test("a consumer with an address that is none, or that is started twice, is told so at once", async (t) => {
  for (const url of ["", "127.0.0.1:5672", "localhost:5672", "http://127.0.0.1:5672", "amqp://u:p%zz@127.0.0.1"]) {
    const consumer = createConsumer({ url, queue: "shop" }).on("#", () => {});
    await assert.rejects(consumer.start(), {
      code: "CONFIG_INVALID",
      message: /^a consumer's url must be a URL such as/,
    });
  }
  const system = await createSystem(t, { ...shop, services: [...shop.services] });
  const { consumer } = createKit(t, system);
  consumer.on("#", () => {});
  const starting = consumer.start();
  await assert.rejects(consumer.start(), { code: "CONFIG_INVALID", message: "a consumer starts once" });
  await starting;
});

test("a reply that its queue refuses, as RabbitMQ 4 does for a node that is down, is a late one, and the event is done", async (t) => {
  const system = await createSystem(t, { ...shop, services: [...shop.services] });
  const { consumer, lines } = createKit(t, system);
  consumer.on("msg.text", () => "too late");
  await consumer.start();
  const channel = await openChannel(t);
  const full = `${system.prefix}.replies.full`;
  t.after(async () => void (await (await openChannel(t)).deleteQueue(full)));
  await channel.assertQueue(full, { durable: true, arguments: { "x-max-length": 1, "x-overflow": "reject-publish" } });
  await channel.bindQueue(full, `${system.prefix}.replies`, full);
  channel.sendToQueue(full, Buffer.from("{}"));
  const properties = { type: "msg.text", messageId: "shop/oUSER1/1", correlationId: "shop/oUSER1/1", replyTo: full };
  channel.publish(`${system.prefix}.events.shop`, "msg.text", Buffer.from(`{"MsgType":"text"}`), properties);
  while ((await lines.next())[0]?.["outcome"] !== "taken");
  const isLate = () => system.log.some(({ msg, identity }) => msg === "late reply" && identity === "shop/oUSER1/1");
  await until(isLate, "the late reply");
});

test("a dead letter is replayed to the consumer that gave it up", async (t) => {
  const services = [{ name: "shop", delivery: "amqp", reply: [] }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const { consumer, lines } = createKit(t, system, { retry: [] });
  const handled = createArrivals<string>("pushes");
  let mended = false;
  consumer.on("msg.text", (push, { attempt }) => {
    if (!mended) throw new Error("no database");
    handled.add(`${push.Content} ${attempt}`);
  });
  await consumer.start();
  await system.wechat("shop").push(text("hello"));
  while ((await lines.next())[0]?.["outcome"] !== "exhausted");
  mended = true;
  const account = { "wx-params": { token: "AAAAA" }, "listen-endpoints": { "service-path": "/shop" } };
  const amqp = { url: brokerUrl(), prefix: system.prefix };
  const config = await writeTemporary(t, "replay.json", { amqp, services: [{ name: "shop", ...account }] });
  const { stdout, stderr } = await runCommand(t, ["dead", "replay"], { CONF_FILE: config });
  assert.match(stdout, /replayed 1 of 1 dead letters/, stderr);
  assert.deepEqual(await handled.next(), ["hello 1"]);
});

test("what is no event goes to the dead letters as poison", async (t) => {
  const system = await createSystem(t, { ...shop, services: [...shop.services] });
  const { consumer, queue } = createKit(t, system);
  consumer.on("#", () => assert.fail("a handler was called"));
  await consumer.start();
  const channel = await openChannel(t);
  channel.sendToQueue(queue, Buffer.from("not JSON"), { type: "msg.text", messageId: "shop/oUSER1/1" });
  let letter = await channel.get(`${system.prefix}.dead`, { noAck: true });
  for (let i = 0; letter === false && i < 100; i++) {
    await sleep(50);
    letter = await channel.get(`${system.prefix}.dead`, { noAck: true });
  }
  assert.ok(letter);
  assert.equal(letter.properties.headers?.["x-wx-reason"], "poison");
  assert.equal(letter.content.toString(), "not JSON");
});

test("integers beyond 2^53 keep every digit", async (t) => {
  const services = [{ name: "store", delivery: "amqp", "is-channels-ec": true }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const { consumer } = createKit(t, system, { service: "store" });
  consumer.on("event.channels_ec_order_pay", ({ order_info: order }) => ({
    type: "raw",
    msg: JSON.stringify([typeof order?.order_id, String(order?.order_id), order?.pay_time]),
  }));
  await consumer.start();
  const { opened } = await system
    .wechat("store")
    .push(
      `{"ToUserName":"gh_1","FromUserName":"oUSER1","CreateTime":1662480001,"MsgType":"event","Event":"channels_ec_order_pay","order_info":{"order_id":3705115058471208928,"pay_time":1658509200}}`,
    );
  assert.deepEqual(JSON.parse(opened), ["bigint", "3705115058471208928", 1658509200]);
});

test("close lets handlers end and gives the rest back; the next one takes it", async (t) => {
  const services = [{ name: "shop", delivery: "amqp", reply: [] }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const started = createArrivals<string>("handlers");
  const first = createKit(t, system, { concurrency: 1 });
  const aborted: boolean[] = [];
  first.consumer.on("msg.text", async (push, { signal }) => {
    started.add(push.Content);
    await sleep(push.Content === "short" ? 300 : 60_000, undefined, { signal }).catch(() => aborted.push(true));
    signal.throwIfAborted();
  });
  await first.consumer.start();
  const wechat = system.wechat("shop");
  for (const content of ["short", "long", "waiting"]) await wechat.push(text(content));
  await started.next(2);
  await first.consumer.close(200);
  assert.deepEqual(started.all, ["short", "long"]);
  assert.deepEqual(aborted, [true]);

  const taken = createArrivals<string>("pushes");
  const second = createKit(t, system, { queue: first.queue });
  second.consumer.on("msg.text", (push) => taken.add(push.Content));
  await second.consumer.start();
  assert.deepEqual((await taken.next(2)).sort(), ["long", "waiting"]);
});

/** A bridge, and a way to its broker that can be cut. */
async function createCut(t: TestContext): Promise<{ system: System; url: string; proxy: TcpProxy }> {
  const services = [{ name: "shop", delivery: "amqp", reply: [] }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  return { system, ...(await createProxiedBroker(t)) };
}

async function untilConnected(lines: Arrivals<LogLine>): Promise<void> {
  for (;;) {
    const [line] = await lines.next(1, 15_000);
    if (line?.msg === "broker connected" && String(line["connection"]).endsWith("consuming")) return;
  }
}

test("over a lost connection no handler more runs than concurrency allows, and what only waited comes once", async (t) => {
  const { system, url, proxy } = await createCut(t);
  const { consumer, lines } = createKit(t, system, { url, concurrency: 1, prefetch: 4 });
  const begun = createArrivals<string>("handlers");
  const gate = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  consumer.on("msg.text", async (push) => {
    most = Math.max(most, ++running);
    begun.add(push.Content);
    await gate.promise;
    running--;
  });
  await consumer.start();
  await untilConnected(lines);
  for (const content of ["1", "2", "3", "4"]) await system.wechat("shop").push(text(content));
  await begun.next();
  proxy.reset();
  await untilConnected(lines);
  gate.resolve();
  await begun.next(4, 15_000);
  assert.deepEqual(begun.all.toSorted(), ["1", "1", "2", "3", "4"]);
  assert.equal(most, 1);
});

test("what fails after its connection was lost leaves no copy: it comes again itself", async (t) => {
  const { system, url, proxy } = await createCut(t);
  const { consumer, lines } = createKit(t, system, { url, retry: [] });
  const begun = createArrivals<string>("handlers");
  const gate = Promise.withResolvers<void>();
  consumer.on("msg.text", async (push) => {
    begun.add(push.Content);
    await gate.promise;
    throw new Error("no database");
  });
  await consumer.start();
  await untilConnected(lines);
  await system.wechat("shop").push(text("hello"));
  await begun.next();
  proxy.reset();
  await untilConnected(lines);
  gate.resolve();
  await begun.next(1, 15_000);
  const told: unknown[] = [];
  while (told.at(-1) !== "exhausted") {
    const [line] = await lines.next();
    if (line?.msg.startsWith("delivery")) told.push(line["outcome"] ?? line.msg);
  }
  assert.deepEqual(told, ["delivery cut short", "exhausted"]);
});

test("a lost connection comes back by itself; what was pushed meanwhile is taken", async (t) => {
  const { system, url, proxy } = await createCut(t);
  const { consumer } = createKit(t, system, { url });
  const taken = createArrivals<string>("pushes");
  consumer.on("msg.text", (push) => taken.add(push.Content));
  await consumer.start();
  await system.wechat("shop").push(text("before"));
  assert.deepEqual(await taken.next(), ["before"]);
  proxy.reset();
  await system.wechat("shop").push(text("after"));
  // An ack that was lost with the connection brings its push again.
  let [last] = await taken.next(1, 15_000);
  while (last === "before") [last] = await taken.next(1, 15_000);
  assert.equal(last, "after");
});
