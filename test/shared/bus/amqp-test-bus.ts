import type { TestContext } from "node:test";
import { connect } from "amqplib";
import { createAmqpBus } from "../../../shared/bus/amqp-bus.ts";
import type { Bus } from "../../../shared/bus/bus.ts";
import type { Topology } from "../../../shared/bus/topology.ts";
import type { Logger } from "../../../shared/log.ts";
import { createTestLog } from "./test-log.ts";

/** A bus on the broker at `urls` that deletes at the test's end what it declared (`keep`: the broker ends itself). */
export async function createAmqpTestBus(
  t: TestContext,
  urls: string[],
  { log = createTestLog().log, keep = false }: { log?: Logger; keep?: boolean } = {},
): Promise<Bus> {
  const bus = await createAmqpBus({ urls, tls: undefined }, "test", log);
  const declared: Topology[] = [];
  const declare = bus.declare.bind(bus);
  bus.declare = (topology, options) => {
    declared.push(topology);
    return declare(topology, options);
  };
  t.after(async () => {
    await bus.close();
    if (!keep && urls[0]) await deleteAll(urls[0], declared);
  });
  return bus;
}

async function deleteAll(url: string, topologies: Topology[]): Promise<void> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  for (const { name } of topologies.flatMap(({ queues }) => queues)) await channel.deleteQueue(name);
  for (const { name } of topologies.flatMap(({ exchanges }) => exchanges)) await channel.deleteExchange(name);
  await connection.close();
}
