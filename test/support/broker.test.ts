import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "amqplib";
import type { ChannelModel } from "amqplib";
import { obtainBroker, obtainSbin } from "./broker.ts";
import { startPrivateNode } from "./private-node.ts";

test("the broker of the ladder confirms a message into a quorum queue and gives it back", async (t) => {
  const broker = await obtainBroker();
  t.after(() => broker.stop());
  const connection = await createConnection(t, broker.url);
  const queue = `test.${randomUUID()}`;
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum", "x-expires": 60_000 } });
  channel.sendToQueue(queue, Buffer.from("hello"), { persistent: true });
  await channel.waitForConfirms();
  assert.equal(await take(connection, queue), "hello");
  await channel.deleteQueue(queue);
});

test("a private node keeps a confirmed message over kill -9, and answers no more while frozen", async (t) => {
  const sbin = await obtainSbin();
  if (!sbin) return t.skip("no RabbitMQ can be started here");
  const node = await startPrivateNode({ sbin });
  t.after(() => node.stop());
  const before = await createConnection(t, node.url);
  const channel = await before.createConfirmChannel();
  await channel.assertQueue("kept", { durable: true, arguments: { "x-queue-type": "quorum" } });
  // A quorum queue that is killed sooner after its declaration can come back without a leader.
  await delay(2000);
  channel.sendToQueue("kept", Buffer.from("hello"), { persistent: true });
  await channel.waitForConfirms();

  const killed = node.pid;
  await node.kill9();
  await assert.rejects(connect(node.url), { code: "ECONNREFUSED" });
  await node.restart();
  assert.notEqual(node.pid, killed);
  const after = await createConnection(t, node.url);

  await node.freeze();
  const taken = take(after, "kept");
  assert.equal(await Promise.race([taken, delay(500, "frozen")]), "frozen");
  node.thaw();
  assert.equal(await taken, "hello");
  assert.match(await node.rabbitmqctl("-q", "list_queues", "name"), /^kept$/m);
});

async function createConnection(t: TestContext, url: string): Promise<ChannelModel> {
  const connection = await connect(url);
  // The fault that a test makes is not to end the test.
  connection.on("error", () => {});
  t.after(() => connection.close().catch(() => {}));
  return connection;
}

async function take(connection: ChannelModel, queue: string): Promise<string | undefined> {
  const channel = await connection.createChannel();
  const message = await channel.get(queue, { noAck: true });
  return message ? message.content.toString() : undefined;
}
