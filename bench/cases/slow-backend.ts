import { startBridge, startPair } from "../support/bridge.ts";
import { startBroker } from "../support/broker.ts";
import type { BenchCase } from "../support/case.ts";
import { compare, valuesOf, warmUp } from "../support/compare.ts";
import type { Figure } from "../support/figures.ts";
import { startLoad, type Subject } from "../support/load.ts";
import { startProgram } from "../support/program.ts";

const DELAY = 200;
const CONNECTIONS = 256;
/** What the connections allow at most: 1280 answers a second. */
const MOST = (CONNECTIONS / DELAY) * 1000;

/**
 * Backends may be slow without the bridge being so: `workerNum` 5 of an old config file limits nothing. The connections
 * begin spread over the backend's delay; begun at once, they would stay in step and push in bursts of 256 for ever.
 */
export const slowBackend: BenchCase = {
  name: "slow-backend",
  about: `a backend that takes ${DELAY} ms, ${CONNECTIONS} connections (at most ${MOST}/s), workerNum 5`,
  async run(stage) {
    const { url, version } = await startBroker(stage);
    const backend = await startProgram(stage, "backend");
    const load = await startLoad(stage, backend);
    const single = await startBridge(stage, { backend: backend.port });
    const pair = await startPair(stage, { backend: backend.port, amqpUrl: url });
    const subjects: Subject[] = [
      { name: "in-process", port: single.port, pids: single.pids, expect: "sealed" },
      { name: "RabbitMQ", port: pair.port, pids: pair.pids, expect: "sealed" },
    ];
    await warmUp(stage, load, subjects);
    await backend.ask({ delay: DELAY });
    const runs = await compare(stage, load, subjects, {
      connections: CONNECTIONS,
      rate: MOST,
      spread: DELAY,
      settle: 2 * DELAY,
    });
    const figures = subjects.flatMap((subject): Figure[] => [
      {
        what: subject.name,
        unit: "/s",
        values: valuesOf(runs.get(subject), "rate"),
        target: { atLeast: 0.9 * MOST },
      },
      { what: `${subject.name}, p99`, unit: "ms", values: valuesOf(runs.get(subject), "p99") },
    ]);
    return { figures, notes: { broker: version } };
  },
};
