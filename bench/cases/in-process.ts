import { startBridge } from "../support/bridge.ts";
import type { BenchCase } from "../support/case.ts";
import { compare, valuesOf, warmUp, type quantities } from "../support/compare.ts";
import { ratios, type Figure, type Target } from "../support/figures.ts";
import { startLoad, type Run, type Subject } from "../support/load.ts";
import { startProgram } from "../support/program.ts";
import type { Stage } from "../support/stage.ts";

type Quantity = keyof typeof quantities;

const connectionCounts = [1, 32, 256];
/** Share of each yardstick's answers a second that the bridge has to reach, at 32 connections. */
const targets: Partial<Record<number, { bare: Target; crypto?: Target }>> = { 32: { bare: { atLeast: 0.4 } } };

/** The bridge with all in one process, beside two yardsticks of one process each, on the same backend. */
export const inProcess: BenchCase = {
  name: "in-process",
  about: "all in one, in-process bus, sealed text pushes, a backend that answers at once",
  async run(stage) {
    const backend = await startProgram(stage, "backend");
    const load = await startLoad(stage, backend);
    const bridge = await startBridge(stage, { backend: backend.port });
    const subjects = [
      { name: "bridge", port: bridge.port, pids: bridge.pids, expect: "sealed" } satisfies Subject,
      await startYardstick(stage, "bare-route", backend.port, "plain"),
      await startYardstick(stage, "crypto-route", backend.port, "sealed"),
    ];
    const rate = await warmUp(stage, load, subjects);
    const figures: Figure[] = [];
    for (const connections of connectionCounts) {
      const runs = await compare(stage, load, subjects, { connections, rate });
      figures.push(
        ...figuresOf(
          connections,
          subjects.map((subject) => runs.get(subject) ?? []),
        ),
      );
    }
    return { figures };
  },
};

async function startYardstick(
  stage: Stage,
  name: string,
  backend: number,
  expect: Subject["expect"],
): Promise<Subject> {
  const { port, pid } = await startProgram(stage, name, [backend]);
  return { name, port, pids: [pid], expect };
}

function figuresOf(connections: number, [bridge = [], bare = [], crypto = []]: Run[][]): Figure[] {
  const figure = (what: string, unit: Figure["unit"], values: number[], target?: Target): Figure => ({
    what: `c=${connections} ${what}`,
    unit,
    values,
    ...(target === undefined ? {} : { target }),
  });
  const compared = (quantity: Quantity, other: Run[]): number[] =>
    ratios(valuesOf(bridge, quantity), valuesOf(other, quantity));
  const target = targets[connections];
  return [
    figure("bridge", "/s", valuesOf(bridge, "rate")),
    figure("bare route", "/s", valuesOf(bare, "rate")),
    figure("crypto route", "/s", valuesOf(crypto, "rate")),
    figure("bridge / bare route", "×", compared("rate", bare), target?.bare),
    figure("bridge / crypto route", "×", compared("rate", crypto), target?.crypto),
    figure("bridge, CPU a push", "µs", valuesOf(bridge, "cpu")),
    figure("bare route, CPU a push", "µs", valuesOf(bare, "cpu")),
    figure("crypto route, CPU a push", "µs", valuesOf(crypto, "cpu")),
    figure("bridge, p99", "ms", valuesOf(bridge, "p99")),
  ];
}
