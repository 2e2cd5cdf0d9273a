import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { obtainSbin } from "../support/broker.ts";
import { leaderOf, startCluster } from "../support/cluster.ts";
import type { BridgeProcess } from "./bridge-process.ts";
import { createHurtSystem, eventually, readiness, type Answered } from "./hurt-system.ts";

const sbin = await obtainSbin();
assert.ok(sbin, "no RabbitMQ can be started here");
const nodes = await startCluster({ after: (close) => after(close) }, sbin);

/** Of the connections that the gateway has now, by what it logged last of each. */
function brokersOf({ lines }: BridgeProcess): unknown[] {
  const connected = lines.filter(({ msg }) => msg === "broker connected");
  return [...new Map(connected.map((line) => [line["connection"], line["broker"]])).values()];
}

test("the node that leads the queues and has the gateway's connections and reply queue dies for good: answered in time, replies again, nothing lost", async (t) => {
  const system = await createHurtSystem(
    t,
    "lost",
    nodes.map(({ url }) => url),
  );
  await system.startDispatcher();
  const gateway = await system.startGateway();
  await system.untilReplied(gateway);
  const leader = await leaderOf(nodes, "lost.dispatch.account");
  assert.deepEqual(brokersOf(gateway), [`127.0.0.1:${leader?.port}`, `127.0.0.1:${leader?.port}`]);

  const answers: Promise<Answered>[] = [];
  const pushing = setInterval(() => answers.push(system.push(gateway)), 50);
  t.after(() => clearInterval(pushing));
  await sleep(2000); // a quorum queue that was declared just now may come back without a leader
  await leader?.kill9();
  await eventually("other brokers", () => !brokersOf(gateway).includes(`127.0.0.1:${leader?.port}`));
  await system.untilReplied(gateway);
  clearInterval(pushing);
  for (const { status, said } of await Promise.all(answers)) assert.equal(status, 200, said);
  assert.ok(answers.length > 40);
  await system.nothingLost();
  await eventually("it is ready", async () => (await readiness(gateway)) === 200);
  for (let i = 0; i < 5; i++) assert.equal((await system.push(gateway)).said, "the reply");

  await leader?.restart();
  await eventually(
    "the queue has its leader",
    async () => (await leaderOf(nodes, "lost.dispatch.account")) !== undefined,
  );
  for (let i = 0; i < 5; i++) assert.equal((await system.push(gateway)).said, "the reply");
});
