import { startPair } from "../support/bridge.ts";
import { startBroker } from "../support/broker.ts";
import type { BenchCase } from "../support/case.ts";
import { compare, valuesOf, warmUp } from "../support/compare.ts";
import { differences } from "../support/figures.ts";
import { startLoad, type Subject } from "../support/load.ts";
import { startProgram } from "../support/program.ts";

/** What a gateway, a broker and a dispatcher add to a single push, the machine being idle otherwise. */
export const rabbitmqLatency: BenchCase = {
  name: "rabbitmq-latency",
  about: "gateway and dispatcher as two processes on RabbitMQ, one push at a time",
  async run(stage) {
    const { url, version } = await startBroker(stage);
    const backend = await startProgram(stage, "backend");
    const load = await startLoad(stage, backend);
    const pair = await startPair(stage, { backend: backend.port, amqpUrl: url });
    const bridge: Subject = { name: "bridge", port: pair.port, pids: pair.pids, expect: "sealed" };
    const direct: Subject = { name: "backend", port: backend.port, pids: [backend.pid], expect: "plain" };
    await warmUp(stage, load, [bridge, direct], 5000);
    const runs = await compare(stage, load, [bridge, direct], { connections: 1, rate: 4000 });
    const [through, straight] = [valuesOf(runs.get(bridge), "p50"), valuesOf(runs.get(direct), "p50")];
    return {
      notes: { broker: version },
      figures: [
        { what: "median through the bridge", unit: "ms", values: through },
        { what: "median of the backend itself", unit: "ms", values: straight },
        { what: "added by the bridge", unit: "ms", values: differences(through, straight), target: { atMost: 5 } },
        { what: "bridge, p99", unit: "ms", values: valuesOf(runs.get(bridge), "p99") },
        { what: "CPU a push, both processes", unit: "µs", values: valuesOf(runs.get(bridge), "cpu") },
      ],
    };
  },
};
