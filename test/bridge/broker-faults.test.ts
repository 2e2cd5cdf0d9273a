import assert from "node:assert/strict";
import { after, test } from "node:test";
import { connect } from "amqplib";
import { obtainSbin } from "../support/broker.ts";
import { listQueues } from "../support/cluster.ts";
import type { Closing } from "../support/loopback-server.ts";
import { startPrivateNode } from "../support/private-node.ts";
import { tellQueues } from "../support/stuck-queues.ts";
import { createTcpProxy } from "../support/tcp-proxy.ts";
import { createHurtSystem, eventually, readiness } from "./hurt-system.ts";

const closing: Closing = { after: (close) => after(close) };
const sbin = await obtainSbin();
assert.ok(sbin, "no RabbitMQ can be started here");
const node = await startPrivateNode({ sbin });
closing.after(() => node.stop());
const system = await createHurtSystem(closing, "hurt", [node.url]);
await system.startDispatcher();
const gateway = await system.startGateway();
const spoolless = await system.startGateway({ spool: false });
await assertWell();

/** Everything is as it was: both gateways are ready, replies come, and what was answered 200 is at the backend. */
async function assertWell(): Promise<void> {
  await Promise.all([system.untilReplied(gateway), system.untilReplied(spoolless)]);
  await eventually("ready", async () => (await readiness(gateway)) === 200 && (await readiness(spoolless)) === 200);
  await system.nothingLost();
}

const answers = () => Promise.all([system.push(gateway), system.push(spoolless)]);
const notHeld = /^(the broker .*|the push could not be held.*)$/;

test("a frozen broker: pushes are answered in time, from disk or with 503, and all is well when it thaws", async () => {
  await node.freeze();
  try {
    const [kept, refused] = await answers();
    assert.deepEqual(kept, { status: 200, said: "success" });
    assert.equal(refused.status, 503);
    assert.match(refused.said, notHeld);
  } finally {
    node.thaw();
  }
  await assertWell();
});

test("under a memory alarm pushes are answered in time, and readiness tells", async () => {
  await node.rabbitmqctl("set_vm_memory_high_watermark", "0.00001");
  try {
    await answers(); // the broker tells of its alarm only those who publish
    await eventually("not ready", async () => (await readiness(gateway)) === 503);
    const [kept, refused] = await answers();
    assert.deepEqual([kept.said, refused.status], ["success", 503]);
  } finally {
    await node.rabbitmqctl("set_vm_memory_high_watermark", "0.4");
  }
  await assertWell();
});

test("a broker that is killed and comes back: answered meanwhile, consuming again afterwards", async () => {
  await node.kill9();
  await eventually("not ready", async () => (await readiness(gateway)) === 503);
  const [kept, refused] = await answers();
  assert.deepEqual([kept.said, refused.status], ["success", 503]);
  await node.restart();
  await assertWell();
});

test("consumers that the broker cancels and channels that it closes come back", async (t) => {
  const connection = await connect(node.url);
  t.after(() => connection.close());
  const channel = await connection.createChannel();
  const replyQueues = (await consumers())
    .filter(([queue]) => queue.startsWith("hurt.replies."))
    .map(([queue]) => queue);
  assert.equal(replyQueues.length, 2);
  for (const queue of replyQueues) await channel.deleteQueue(queue); // cancels its consumers
  await assertWell();
  await channel.deleteQueue("hurt.dispatch.account");
  await eventually("the dispatcher is back", async () =>
    (await consumers()).some(([queue, count]) => queue === "hurt.dispatch.account" && count === 1),
  );
  await assertWell();
  await channel.deleteExchange("hurt.events.account"); // the next publish closes its channel
  await assertWell();
});

/** Of every queue. */
async function consumers(): Promise<[queue: string, count: number][]> {
  const rows = await listQueues<{ name: string; consumers: number }>(node, "name", "consumers");
  return rows.map((row) => [row.name, row.consumers]);
}

test("a reply queue of which the broker says nothing, as RabbitMQ 4 does when its node is down: another one is taken", async (t) => {
  await tellQueues(node, "suspend", "hurt.replies.");
  t.after(() => tellQueues(node, "resume", "hurt.replies."));
  await node.rabbitmqctl("close_all_connections", "the test asks for it");
  await assertWell();
});

test("a gateway that starts before its broker serves at once, and tells when it is ready", async (t) => {
  const proxy = await createTcpProxy(t, "127.0.0.1", node.port);
  await proxy.refuse();
  const early = await createHurtSystem(t, "early", [`amqp://guest:guest@127.0.0.1:${proxy.port}`]);
  const [first, dispatcher] = await Promise.all([early.startGateway(), early.startDispatcher()]);
  assert.deepEqual([await readiness(first), await readiness(dispatcher)], [503, 503]);
  assert.deepEqual(await early.push(first), { status: 200, said: "success" });
  await proxy.accept();
  await early.untilReplied(first);
  await eventually("ready", async () => (await readiness(first)) === 200 && (await readiness(dispatcher)) === 200);
  await early.nothingLost();
});
