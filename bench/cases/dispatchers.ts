import { startPair } from "../support/bridge.ts";
import { startBroker } from "../support/broker.ts";
import type { BenchCase } from "../support/case.ts";
import { startLoad, type Subject } from "../support/load.ts";
import { startProgram } from "../support/program.ts";
import { measureScaling } from "../support/scaling.ts";

/** One more dispatcher: worth something where CPUs are left for it. */
export const dispatchers: BenchCase = {
  name: "dispatchers",
  about: "a gateway with 1 dispatcher and with 2, on RabbitMQ, 256 connections",
  async run(stage) {
    const { url, version } = await startBroker(stage);
    const backend = await startProgram(stage, "backend");
    const load = await startLoad(stage, backend);

    async function subjectWith(count: number): Promise<Subject> {
      const bridge = await startPair(stage, { backend: backend.port, amqpUrl: url, dispatchers: count });
      const { port, pids } = bridge;
      return { name: `${count} dispatcher${count === 1 ? "" : "s"}`, port, pids, expect: "sealed" };
    }

    const figures = await measureScaling(stage, load, [[await subjectWith(1), await subjectWith(2)]]);
    return { figures, notes: { broker: version } };
  },
};
