import { startPair } from "../support/bridge.ts";
import { startBroker } from "../support/broker.ts";
import type { BenchCase } from "../support/case.ts";
import { compare, valuesOf, warmUp } from "../support/compare.ts";
import { figuresBeside } from "../support/figures-beside.ts";
import { differences, median, type Figure } from "../support/figures.ts";
import { startLoad, type Run, type Subject } from "../support/load.ts";
import { startProgram } from "../support/program.ts";
import { startLeast } from "../support/yardstick.ts";

const connectionCounts = [1, 32, 256];
/** Share of each yardstick's answers a second that the bridge has to reach, by connections. */
const targets: Record<string, Partial<Record<number, number>>> = {
  least: { 32: 0.75, 256: 0.75 },
  "least with crypto": { 32: 0.9, 256: 0.9 },
};
const MOST_CONNECTIONS = 256;
/** Answers a second that nothing gives one at a time. */
const ONE_AT_A_TIME = 6000;

type Runs = ReadonlyMap<Subject, Run[]>;

/** Gateway and dispatcher, beside the least that two processes with a confirmed quorum queue between them must do. */
export const rabbitmq: BenchCase = {
  name: "rabbitmq",
  about: "gateway and dispatcher as two processes on RabbitMQ, sealed text pushes, a backend that answers at once",
  async run(stage) {
    const { url, version } = await startBroker(stage);
    const backend = await startProgram(stage, "backend");
    const load = await startLoad(stage, backend);
    const { port, pids } = await startPair(stage, { backend: backend.port, amqpUrl: url });
    const bridge: Subject = { name: "bridge", port, pids, expect: "sealed" };
    const least = await startLeast(stage, { amqpUrl: url, backend: backend.port, mode: "plain" });
    const leastWithCrypto = await startLeast(stage, { amqpUrl: url, backend: backend.port, mode: "crypto" });
    const itself: Subject = { name: "backend", port: backend.port, pids: [backend.pid], expect: "plain" };
    const subjects = [bridge, least, leastWithCrypto];
    const rate = await warmUp(stage, load, subjects);
    const figures: Figure[] = [];
    let most = 0;
    for (const connections of connectionCounts) {
      const isAlone = connections === 1;
      const runs = await compare(stage, load, isAlone ? [...subjects, itself] : subjects, {
        connections,
        rate: isAlone ? ONE_AT_A_TIME : rate,
      });
      const beside = subjects.slice(1).map((subject) => ({ subject, atLeast: targets[subject.name]?.[connections] }));
      figures.push(...figuresBeside(`c=${connections}:`, runs, bridge, beside));
      if (isAlone) figures.push(...latenciesOf(runs, bridge, least, itself));
      most = Math.max(most, median(valuesOf(runs.get(bridge), "rate")));
    }
    const pace = most / 2;
    const runs = await compare(stage, load, subjects, {
      connections: MOST_CONNECTIONS,
      rate: pace,
      paces: new Map(subjects.map((subject) => [subject, pace])),
    });
    figures.push(...halfLoadOf(runs, subjects, pace));
    return { figures, notes: { broker: version } };
  },
};

/** What one push waits when nothing else is under way. */
function latenciesOf(runs: Runs, bridge: Subject, least: Subject, backend: Subject): Figure[] {
  const through = valuesOf(runs.get(bridge), "p50");
  const bare = valuesOf(runs.get(least), "p50");
  const straight = valuesOf(runs.get(backend), "p50");
  return [
    { what: "c=1: bridge, median", unit: "ms", values: through },
    { what: "c=1: least, median", unit: "ms", values: bare },
    { what: "c=1: backend itself, median", unit: "ms", values: straight },
    { what: "c=1: added over the least", unit: "ms", values: differences(through, bare), target: { atMost: 1 } },
    { what: "c=1: added over the backend", unit: "ms", values: differences(through, straight), target: { atMost: 5 } },
  ];
}

/** At half of what the bridge answers at most, pushes coming when they come and not when an answer makes room. */
function halfLoadOf(runs: Runs, subjects: readonly Subject[], pace: number): Figure[] {
  return subjects.flatMap((subject): Figure[] => {
    const what = `${pace.toFixed(0)}/s, half load: ${subject.name}`;
    const target = subject.name === "bridge" ? { target: { atMost: 50 } } : {};
    return [
      { what: `${what}, median`, unit: "ms", values: valuesOf(runs.get(subject), "p50") },
      { what: `${what}, p99`, unit: "ms", values: valuesOf(runs.get(subject), "p99"), ...target },
    ];
  });
}
