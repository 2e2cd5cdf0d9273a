import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { connect, type ConfirmChannel, type ConsumeMessage } from "amqplib";
import { openBrokerSession } from "../../cli/broker-session.ts";
import { DeadQueue } from "../../cli/dead-queue.ts";
import { workThrough } from "../../cli/dead-work.ts";
import { loadConfig } from "../../shared/config/load.ts";
import { startCommand, type Finished, type Running } from "../cli/run-command.ts";
import { createBackend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { until } from "../support/until.ts";
import { writeConfig } from "./bridge-process.ts";
import { brokerUrl, createProxiedBroker, createSystem } from "./system.ts";

const click = (key: string): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>oUSER1</FromUserName><CreateTime>1700000001</CreateTime>
<MsgType>event</MsgType><Event>CLICK</Event><EventKey>${key}</EventKey></xml>`;

/** The command as an operator runs it, under way. */
const startDead = (t: Closing, file: string, ...args: string[]) =>
  startCommand(t, ["dead", ...args], { CONF_FILE: file });

/** Runs it to its end. How far it has come, which it tells every 5 s, is left out: on a busy machine a short one takes as long. */
async function dead(t: Closing, file: string, ...args: string[]): Promise<Finished> {
  const finished = await startDead(t, file, ...args).finished;
  return { ...finished, stderr: finished.stderr.replaceAll(/^\w+ \d+, looked at \d+ of \d+\n/gm, "") };
}

/** A config as a dead command needs it, and a way to put messages into its queues. */
async function createQueue(t: Closing) {
  const services = [{ name: "shop", "msg-proxy-pass": "http://127.0.0.1:1" }];
  const system = await createSystem(t, { bus: "rabbitmq", services, roles: ["gateway"] });
  const configFor = (url: string) =>
    writeConfig(t, {
      amqp: { url, prefix: system.prefix },
      // No process has declared the queue of the second one.
      services: ["shop", "gone"].map((name) => ({
        name,
        "wx-params": { token: "AAAAA", "app-id": "wx1", "app-secret": "s" },
        "listen-endpoints": { "service-path": `/${name}` },
      })),
    });
  const channel = await openChannel(t);
  const queue = `${system.prefix}.dead`;
  return { channel, queue, dispatch: `${system.prefix}.dispatch.shop`, configFor, file: await configFor(brokerUrl()) };
}

async function openChannel(t: Closing): Promise<ConfirmChannel> {
  const connection = await connect(brokerUrl());
  t.after(() => connection.close());
  return connection.createConfirmChannel();
}

async function fill(channel: ConfirmChannel, queue: string, count: number, service = "shop"): Promise<void> {
  for (let i = 0; i < count; i++) {
    const headers = {
      "x-wx-service": service,
      "x-wx-reason": i % 2 === 0 ? "exhausted" : "rejected",
      "x-wx-error": "status 500",
      "x-wx-attempt": 3,
      "x-wx-dead-at": Date.now(),
    };
    const properties = { messageId: `shop/oUSER1/${i}`, type: "msg.text", persistent: true, headers };
    channel.sendToQueue(queue, Buffer.from(`{"n":${i}}`), properties);
  }
  await channel.waitForConfirms();
}

const depth = async (channel: ConfirmChannel, queue: string) => (await channel.checkQueue(queue)).messageCount;

/**
 * Waits until queues hold `count` messages, for 60 s, in which a command starts on a busy machine, too. What a closed
 * channel held comes back after its close was answered.
 */
async function holding(channel: ConfirmChannel, count: number, ...queues: string[]): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const depths = await Promise.all(queues.map((queue) => depth(channel, queue)));
    return depths.reduce((total, each) => total + each, 0) >= count;
  };
  await until(isThere, `${count} messages in ${queues.join(" and ")}`, 60_000);
}

/** Takes everything out of a queue. */
async function drain(channel: ConfirmChannel, queue: string): Promise<ConsumeMessage[]> {
  const { messageCount } = await channel.checkQueue(queue);
  const messages: ConsumeMessage[] = [];
  const drained = Promise.withResolvers<void>();
  const take = (message: ConsumeMessage | null): void => {
    if (message !== null && messages.push(message) === messageCount) drained.resolve();
  };
  if (messageCount === 0) return messages;
  const { consumerTag } = await channel.consume(queue, take, { noAck: true });
  await drained.promise;
  await channel.cancel(consumerTag);
  return messages;
}

test("a dead letter is listed, replayed to its backend as a first attempt under its identity, and gone", async (t) => {
  const backend = await createBackend(t, { status: 400 });
  const services = [{ name: "shop", "msg-proxy-pass": backend.url }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const file = await writeConfig(t, {
    amqp: { url: brokerUrl(), prefix: system.prefix },
    services: [{ ...services[0], "wx-params": { token: "AAAAA" }, "listen-endpoints": { "service-path": "/shop" } }],
  });
  const pushedAt = Date.now();
  await system.wechat("shop").push(click("K"));
  const identity = String(backend.requests[0]?.headers["x-wx-event-id"]);

  const listed = await dead(t, file, "list", "--json");
  const { deadAt, ...letter } = JSON.parse(listed.stdout) as { deadAt: number };
  assert.ok(deadAt >= pushedAt && deadAt <= Date.now());
  const expected = {
    service: "shop",
    key: "event.CLICK",
    reason: "rejected",
    attempts: 1,
    error: "status 400",
    identity,
  };
  assert.deepEqual(letter, expected);
  const table = await dead(t, file, "list");
  assert.match(
    table.stdout,
    /^SERVICE +KEY .*\nshop +event\.CLICK +rejected +1 +status 400 +\d+s +shop\/oUSER1\/.*\n$/,
  );

  backend.answer({ body: { type: "text", msg: "too late for anybody" } });
  const replayed = await dead(t, file, "replay", "--service", "shop", "--key", "event.*");
  assert.deepEqual(replayed, { code: 0, stdout: "replayed 1 of 1 dead letters\n", stderr: "" });
  await backend.next(2);
  const [before, after] = backend.requests;
  assert.equal(after?.body, before?.body);
  assert.equal(after?.headers["x-wx-event-id"], identity);
  assert.equal(after?.headers["x-wx-attempt"], "1");
  assert.ok(Number(after?.headers["x-wx-deadline"]) <= Date.now());
  assert.match((await dead(t, file, "list")).stderr, /^0 of 0 dead letters/);
});

test("listing leaves every message, in its order, after one delivery each", async (t) => {
  const { channel, queue, file } = await createQueue(t);
  await fill(channel, queue, 3500);
  const { code, stdout } = await dead(t, file, "list", "--json", "--reason", "rejected");
  assert.equal(code, 0);
  const identities = stdout
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { identity: string }).identity);
  assert.deepEqual(
    identities,
    Array.from({ length: 1750 }, (_, i) => `shop/oUSER1/${2 * i + 1}`),
  );
  await holding(channel, 3500, queue);
  const left = await drain(channel, queue);
  assert.deepEqual(
    left.map(({ content }) => content.toString()),
    Array.from({ length: 3500 }, (_, i) => `{"n":${i}}`),
  );
  assert.ok(left.every(({ properties: { headers = {} } }) => Number(headers["x-delivery-count"]) <= 1));
});

test("replay and drop take what is meant, oldest first, and leave the rest in its order", async (t) => {
  const { channel, queue, dispatch, file } = await createQueue(t);
  await fill(channel, queue, 2600);
  const dropped = await dead(t, file, "drop", "--reason", "exhausted", "--limit", "1200");
  assert.deepEqual(dropped, { code: 0, stdout: "dropped 1200 of 2600 dead letters\n", stderr: "" });
  const replayed = await dead(t, file, "replay", "--reason", "rejected", "--limit", "1100");
  assert.deepEqual(replayed, { code: 0, stdout: "replayed 1100 of 1400 dead letters\n", stderr: "" });

  await holding(channel, 1100, dispatch);
  const back = await drain(channel, dispatch);
  const numbers = back.map(({ content }) => (JSON.parse(content.toString()) as { n: number }).n);
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: 1100 }, (_, i) => 2 * i + 1),
  );
  const [first] = back;
  const { headers = {}, messageId, type, deliveryMode, replyTo } = first?.properties ?? {};
  const { "x-wx-deadline": deadline, "x-delivery-count": _count, ...rest } = headers as Record<string, unknown>;
  assert.ok(Number(deadline) <= Date.now());
  assert.deepEqual(rest, { "x-wx-service": "shop", "x-wx-attempt": 1, "x-wx-budget": 0 });
  assert.deepEqual(
    { messageId, type, deliveryMode, replyTo },
    { messageId: `shop/oUSER1/${numbers[0]}`, type: "msg.text", deliveryMode: 2, replyTo: undefined },
  );
  await holding(channel, 300, queue);
  const left = (await drain(channel, queue)).map(({ content }) => content.toString());
  const expected = Array.from({ length: 2600 }, (_, i) => i).filter((i) => (i % 2 === 0 ? i >= 2400 : i >= 2200));
  assert.deepEqual(
    left,
    expected.map((n) => `{"n":${n}}`),
  );
});

test("what has no queue to go to stays, and is told", async (t) => {
  const { channel, queue, file } = await createQueue(t);
  channel.sendToQueue(queue, Buffer.from("{}"), { headers: { "x-wx-service": "gone" } });
  channel.sendToQueue(queue, Buffer.from("{}"), {});
  // Headers are anybody's: they neither command the terminal nor make up lines.
  channel.sendToQueue(queue, Buffer.from("{}"), { headers: { "x-wx-service": "\u001B]0;gone\u0007\n1 left" } });
  channel.sendToQueue(queue, Buffer.from("{}"), { headers: { "x-wx-queue": "\u009B2Jgone" } });
  await channel.waitForConfirms();
  const { code, stdout, stderr } = await dead(t, file, "replay");
  assert.equal(code, 1);
  assert.equal(stdout, "replayed 0 of 4 dead letters\n");
  assert.match(
    stderr,
    /^1 left where they were: no dispatcher takes the events of \?\]0;gone\?\?1 left: it is not in the/m,
  );
  assert.match(stderr, /^1 left where they were: there is no queue \?2Jgone$/m);
  assert.match(stderr, /1 left where they were: there is no queue t\w+\.dispatch\.gone\n/);
  assert.match(stderr, /1 left where they were: it names no service\n/);
  await holding(channel, 4, queue);
  assert.equal(await depth(channel, queue), 4);
});

test("of more than a thousand that have no queue to go to, all stay", async (t) => {
  const { channel, queue, file } = await createQueue(t);
  const total = 1200;
  await fill(channel, queue, total, "gone");
  const { code, stdout, stderr } = await dead(t, file, "replay");
  assert.deepEqual([code, stdout], [1, "replayed 0 of 1200 dead letters\n"]);
  assert.match(stderr, /^1200 left where they were: there is no queue t\w+\.dispatch\.gone\n$/m);
  await holding(channel, total, queue);
  assert.equal(await depth(channel, queue), total);
});

test("what the queue that it goes to refuses stays, and is told", async (t) => {
  const { channel, queue, file } = await createQueue(t);
  const full = `${queue}-full`;
  t.after(async () => void (await (await openChannel(t)).deleteQueue(full)));
  await channel.assertQueue(full, { arguments: { "x-max-length": 1, "x-overflow": "reject-publish" } });
  channel.sendToQueue(full, Buffer.from("first"));
  channel.sendToQueue(queue, Buffer.from("{}"), { headers: { "x-wx-queue": full } });
  await channel.waitForConfirms();
  const { code, stdout, stderr } = await dead(t, file, "replay");
  assert.deepEqual([code, stdout], [1, "replayed 0 of 1 dead letters\n"]);
  assert.match(stderr, /^1 left where they were: the broker does not take it \(.+\)\n$/);
  await holding(channel, 1, queue);
  assert.equal(await depth(channel, full), 1);
});

test("drop removes the one that is named, and all of a queue when told --all", async (t) => {
  const { channel, queue, file } = await createQueue(t);
  await fill(channel, queue, 3);
  const one = await dead(t, file, "drop", "--identity", "shop/oUSER1/1");
  assert.deepEqual(one, { code: 0, stdout: "dropped 1 of 3 dead letters\n", stderr: "" });
  const all = await dead(t, file, "drop", "--all");
  assert.deepEqual(all, { code: 0, stdout: "dropped 2 of 2 dead letters\n", stderr: "" });
  assert.equal(await depth(channel, queue), 0);
});

/** A session as a command opens it, by way of a connection that can be cut. */
async function openSession(t: Closing, configFor: (url: string) => Promise<string>) {
  const { url, proxy } = await createProxiedBroker(t);
  const { config } = await loadConfig({}, await configFor(url));
  assert.ok(config.amqp);
  const session = await openBrokerSession(config.amqp, "test");
  t.after(() => session.close());
  return { session, proxy };
}

test("looking ends with what was there at the start, also when somebody else has taken some of it", async (t) => {
  const { channel, queue, configFor } = await createQueue(t);
  const { session } = await openSession(t, configFor);
  const look = async (meanwhile: () => Promise<unknown>): Promise<string[]> => {
    const looking = await DeadQueue.open(session, queue);
    await meanwhile();
    const seen: string[] = [];
    for await (const held of looking.messages()) {
      seen.push(held.message.content.toString());
      held.keep();
    }
    await looking.close();
    return seen;
  };
  const add = async () => {
    channel.sendToQueue(queue, Buffer.from("a later one"));
    await channel.waitForConfirms();
  };
  await fill(channel, queue, 2);
  assert.deepEqual(await look(add), ['{"n":0}', '{"n":1}']);
  assert.deepEqual(await look(() => channel.get(queue, { noAck: true })), ['{"n":1}', "a later one"]);
});

test("a connection lost before the removal of the last ones came through is told: they are in the queue again", async (t) => {
  const { channel, queue, configFor } = await createQueue(t);
  const { session, proxy } = await openSession(t, configFor);
  await fill(channel, queue, 2);
  const lost = new Promise((resolve) => session.onLost(resolve));
  const worked = await workThrough(await DeadQueue.open(session, queue), {}, "dropped", async (held) => {
    proxy.swallow();
    held.remove();
    proxy.reset();
    await lost;
  });
  assert.match(worked.lost ?? "not told", /^the broker is gone/);
  await holding(channel, 2, queue);
});

test("how far a long replay has come is told on stderr; SIGTERM ends it after what is under way", async (t) => {
  const { channel, queue, dispatch, configFor } = await createQueue(t);
  const { url, proxy } = await createProxiedBroker(t);
  await fill(channel, queue, 10_000);
  const running = startDead(t, await configFor(url), "replay");
  await holding(channel, 500, dispatch);
  proxy.swallow();
  const [, replayed, looked] = await running.said(/^replayed (\d+), looked at (\d+) of 10000$/m);
  assert.ok(Number(replayed) > 0 && Number(replayed) <= Number(looked) && Number(looked) < 10_000);
  running.signal("SIGTERM");
  proxy.flow();
  const { code, stdout } = await running.finished;
  assert.equal(code, 130);
  const [, done] = /^replayed (\d+) of 10000 dead letters \(interrupted\)\n$/.exec(stdout) ?? [];
  await holding(channel, Number(done), dispatch);
  await holding(channel, 10_000 - Number(done), queue);
  assert.equal((await depth(channel, queue)) + (await depth(channel, dispatch)), 10_000);
});

test("an interrupted replay, a killed one, and one whose broker is gone lose nothing", async (t) => {
  const { channel, queue, dispatch, configFor } = await createQueue(t);
  const { url, proxy } = await createProxiedBroker(t);
  const faults = {
    SIGINT: (running: Running) => running.signal("SIGINT"),
    SIGKILL: (running: Running) => running.signal("SIGKILL"),
    reset: () => proxy.reset(),
  };
  const file = await configFor(url);
  const total = 20_000;
  for (const [fault, strike] of Object.entries(faults)) {
    await fill(channel, queue, total);
    const running = startDead(t, file, "replay");
    await holding(channel, 500, dispatch);
    strike(running);
    const { code, stdout, stderr } = await running.finished;
    if (fault === "SIGINT") assert.match(stdout, /^replayed \d+ of 20000 dead letters \(interrupted\)\n$/);
    if (fault === "reset") assert.match(stderr, /^the broker is gone .*, and so may be what was done last$/m);
    assert.equal(code, { SIGINT: 130, SIGKILL: "SIGKILL", reset: 1 }[fault]);
    await holding(channel, total, queue, dispatch);
    const kept = await drain(channel, queue);
    const replayed = await drain(channel, dispatch);
    const identities = new Set([...kept, ...replayed].map(({ properties }) => properties.messageId as string));
    assert.equal(identities.size, total, fault);
    assert.ok(replayed.length < total, fault);
    if (fault === "SIGINT") assert.equal(kept.length + replayed.length, total);
    else assert.ok(kept.length + replayed.length <= total + 1100, `${fault}: ${kept.length} and ${replayed.length}`);
  }
});

test("with the broker's URL alone, those in a queue of a consumer's own go back to that consumer", async (t) => {
  const channel = await openChannel(t);
  const queue = `t${randomBytes(6).toString("hex")}`;
  const deadQueue = `${queue}.dead`;
  const deadLettered = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": deadQueue };
  for (const [name, more] of [
    [queue, deadLettered],
    [deadQueue, {}],
  ] as const) {
    await channel.assertQueue(name, { durable: true, arguments: { "x-queue-type": "quorum", ...more } });
    t.after(async () => void (await (await openChannel(t)).deleteQueue(name)));
  }
  const death = { "x-wx-reason": "exhausted", "x-wx-queue": queue, "x-wx-dead-at": Date.now() };
  const headers = { "x-wx-service": "shop", "x-wx-attempt": 3, ...death };
  channel.sendToQueue(deadQueue, Buffer.from("{}"), { messageId: "shop/o/1", type: "msg.text", headers });
  const rejected = { messageId: "shop/o/2", type: "msg.text", headers: { "x-wx-service": "shop" } };
  channel.sendToQueue(queue, Buffer.from("{}"), rejected);
  await channel.waitForConfirms();
  channel.nack((await channel.get(queue)) || assert.fail(), false, false);
  await holding(channel, 2, deadQueue);
  const env = { AMQP_URL: brokerUrl() };
  const { stdout } = await startCommand(t, ["dead", "replay", "--dead-queue", deadQueue, "--newer-than", "1h"], env)
    .finished;
  assert.equal(stdout, "replayed 2 of 2 dead letters\n");
  for (const identity of ["shop/o/1", "shop/o/2"]) {
    const back = (await channel.get(queue, { noAck: true })) || assert.fail();
    assert.equal(back.properties.messageId, identity);
  }
  const missing = await startCommand(t, ["dead", "list", "--dead-queue", "t.none.dead"], env).finished;
  assert.deepEqual(
    [missing.code, missing.stderr],
    [1, "there is no queue t.none.dead on this broker: check its name\n"],
  );
});

test("replay leaves the dead letters of accounts whose dispatch queue nobody consumes any more", async (t) => {
  const { channel, queue, dispatch } = await createQueue(t);
  await fill(channel, queue, 2);
  const changes = [
    { name: "shop", delivery: "amqp", why: "its delivery is amqp" },
    { name: "renamed", delivery: "echo", why: "it is not in the config" },
  ];
  for (const { why, ...service } of changes) {
    const file = await writeConfig(t, {
      amqp: { url: brokerUrl(), prefix: queue.replace(/\.dead$/, "") },
      services: [{ ...service, "wx-params": { token: "AAAAA" }, "listen-endpoints": { "service-path": "/shop" } }],
    });
    assert.deepEqual(await dead(t, file, "replay"), {
      code: 1,
      stdout: "replayed 0 of 2 dead letters\n",
      stderr: `2 left where they were: no dispatcher takes the events of shop: ${why}\n`,
    });
  }
  await holding(channel, 2, queue);
  assert.equal(await depth(channel, dispatch), 0);
});
