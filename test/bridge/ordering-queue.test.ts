import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "amqplib";
import { startCommand } from "../cli/run-command.ts";
import { createBackend } from "../support/backend-server.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { createWechat } from "../support/wechat-server.ts";
import { startProcess } from "./bridge-process.ts";
import { askedIn, configFor, depth, ordered, pushAll, text, type Asked } from "./ordered.ts";
import { brokerUrl, createSystem } from "./system.ts";

void test("switching moves the binding, and what is left in the other queue is taken from there", async (t) => {
  const asked: Asked[] = [];
  const backend = await createBackend(t, (request) => {
    asked.push(askedIn(request));
    return { body: { type: "success" } };
  });
  const plain = { ...ordered, ordering: "none", "msg-proxy-pass": backend.url };
  const system = await createSystem(t, { bus: "rabbitmq", services: [plain], roles: ["gateway"] });
  const queues = [`${system.prefix}.dispatch.shop`, `${system.prefix}.dispatch.shop.ordered`] as const;
  t.after(() => deleteQueue(queues[1]));
  await pushAll(system, ["u100"], 2);
  assert.equal(await depth(queues[0]), 2);

  const dispatcher = await startProcess(t, "dispatcher", await configFor(t, system, { ...plain, ordering: "user" }));
  await until(() => asked.length === 2, "what was left is taken");
  await dispatcher.end("SIGTERM");
  const told = dispatcher.lines.find(({ msg }) => msg.startsWith("events are left"));
  assert.deepEqual([told?.["queue"], told?.["messages"]], [queues[0], 2]);
  await pushAll(system, ["u101"], 3);
  assert.deepEqual(await Promise.all(queues.map(depth)), [0, 3]);

  const back = await startProcess(t, "dispatcher", await configFor(t, system, plain));
  await until(() => asked.length === 5, "what was left is taken");
  await back.end("SIGTERM");
  await pushAll(system, ["u102"], 1);
  assert.deepEqual(await Promise.all(queues.map(depth)), [1, 0]);
});

async function deleteQueue(queue: string): Promise<void> {
  const connection = await connect(brokerUrl());
  const channel = await connection.createChannel();
  await channel.deleteQueue(queue);
  await connection.close();
}

void test("in-process with data-dir: what one ordering left on disk is taken by the other", async (t) => {
  const backend = await createBackend(t, "hang");
  const folder = createTemporaryFolder(t);
  const startWith = async (ordering: string) => {
    const service = { ...ordered, ordering, "msg-proxy-pass": backend.url };
    const settings = { "listen-host": "127.0.0.1", "listen-port": 0, "data-dir": folder, amqp: undefined };
    return startProcess(t, "start", await configFor(t, { prefix: "" }, service, settings));
  };
  for (const [number, [before, after]] of [["user", "none"] as const, ["none", "user"] as const].entries()) {
    backend.answer("hang");
    const first = await startWith(before);
    const wechat = createWechat({ url: `http://127.0.0.1:${first.port}/shop`, token: "AAAAA", appId: "wx1" });
    for (const n of [0, 1, 2]) assert.equal((await wechat.push(text(`u20${number}`, n))).opened, "success");
    await backend.next(before === "user" ? 1 : 3);
    await first.end("SIGKILL");
    backend.answer({ body: { type: "success" } });
    const second = await startWith(after);
    const came = (await backend.next(3)).map((request) => askedIn(request).n);
    assert.deepEqual(after === "user" ? came : came.toSorted((a, b) => a - b), [0, 1, 2]);
    await second.end("SIGTERM");
  }
});

void test("a push that a subscriber's queue refuses goes to the ordered queue all the same", async (t) => {
  const service = { ...ordered, "msg-proxy-pass": "http://127.0.0.1:1" };
  const system = await createSystem(t, { bus: "rabbitmq", services: [service], roles: ["gateway"] });
  const full = `${system.prefix}.full`;
  const connection = await connect(brokerUrl());
  const channel = await connection.createConfirmChannel();
  t.after(async () => {
    await channel.deleteQueue(full);
    await connection.close();
  });
  await channel.assertQueue(full, { arguments: { "x-max-length": 1, "x-overflow": "reject-publish" } });
  channel.sendToQueue(full, Buffer.from("full"));
  await channel.waitForConfirms();
  await channel.bindQueue(full, `${system.prefix}.events`, "#");
  assert.equal((await system.wechat("shop").push(text("u100", 0))).opened, "success");
  assert.ok((await depth(`${system.prefix}.dispatch.shop.ordered`)) > 0);
  assert.deepEqual([await depth(`${system.prefix}.dispatch.shop`), await depth(`${system.prefix}.unrouted`)], [0, 0]);
});

void test("a replayed dead letter comes back by way of the ordered queue", async (t) => {
  const backend = await createBackend(t, { status: 400 });
  const service = { ...ordered, "msg-proxy-pass": backend.url };
  const system = await createSystem(t, { bus: "rabbitmq", services: [service] });
  await pushAll(system, ["u100"], 1);
  await until(async () => (await depth(`${system.prefix}.dead`)) === 1, "it is given up");
  backend.answer({ body: { type: "success" } });
  const file = await configFor(t, system, service);
  const { stdout } = await startCommand(t, ["dead", "replay"], { CONF_FILE: file }).finished;
  assert.equal(stdout, "replayed 1 of 1 dead letters\n");
  const [first, again] = await backend.next(2);
  assert.equal(again?.headers["x-wx-event-id"], first?.headers["x-wx-event-id"]);
  assert.equal(again?.headers["x-wx-attempt"], "1");
  const connection = await connect(brokerUrl());
  t.after(() => connection.close());
  const { consumerCount } = await (
    await connection.createChannel()
  ).checkQueue(`${system.prefix}.dispatch.shop.ordered`);
  assert.equal(consumerCount, 1);
});
