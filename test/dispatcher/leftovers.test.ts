import assert from "node:assert/strict";
import { test } from "node:test";
import { lookAfterLeftovers } from "../../dispatcher/leftovers.ts";
import { createNames } from "../../shared/bus/names.ts";
import { orderedQueue } from "../../shared/bus/bridge-topology.ts";
import { brokerUrl, createProxiedBroker } from "../bridge/system.ts";
import { createAmqpTestBus } from "../shared/bus/amqp-test-bus.ts";
import { createBench, uniquePrefix, untilReady } from "../shared/bus/bench.ts";
import { createTestLog } from "../shared/bus/test-log.ts";
import { accountOf } from "../shared/config/sample-config.ts";
import { createArrivals } from "../support/arrivals.ts";

test("a broker that is silent when it is asked for them hides no events of another ordering", async (t) => {
  const { url, proxy } = await createProxiedBroker(t);
  const bus = await createAmqpTestBus(t, [url], { keep: true });
  const names = createNames(uniquePrefix());
  const account = await accountOf({ name: "shop" });
  const queue = names.orderedOf(account.name);
  const { declare, send } = createBench(await createAmqpTestBus(t, [brokerUrl()]));
  await declare({ queues: [orderedQueue(names, account.name)] });
  await send(queue, "left");
  await untilReady(bus);

  const taken = createArrivals<string>("queues taken");
  const stopping = new AbortController();
  t.after(() => stopping.abort());
  proxy.swallow();
  const { log } = createTestLog();
  const asked = createArrivals<unknown>("questions that ended");
  const depth = bus.depth.bind(bus);
  bus.depth = async (name) => {
    try {
      return await depth(name);
    } finally {
      asked.add(name);
    }
  };
  const looking = lookAfterLeftovers({
    accounts: [account],
    bus,
    names,
    log,
    signal: stopping.signal,
    take: (_, name) => taken.add(name),
  });
  await asked.next();
  proxy.flow();
  await looking;
  assert.deepEqual(taken.all, [queue]);
});
