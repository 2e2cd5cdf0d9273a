import { startBridge } from "../support/bridge.ts";
import type { BenchCase } from "../support/case.ts";
import { compare, warmUp } from "../support/compare.ts";
import { figuresBeside } from "../support/figures-beside.ts";
import type { Figure } from "../support/figures.ts";
import { startLoad, type Subject } from "../support/load.ts";
import { startProgram } from "../support/program.ts";
import { startYardstick } from "../support/yardstick.ts";

const connectionCounts = [1, 32, 256];
/** The backend's, in ms. */
const delays = [0, 200];
/** Share of each yardstick's answers a second that the bridge has to reach, by connections, the backend answering at once. */
const targets: Record<string, Partial<Record<number, number>>> = {
  "bare route": { 32: 0.5 },
  "crypto route": { 32: 0.85 },
  "npm peer": { 32: 3, 256: 3 },
};

/** The bridge with all in one process, beside one process each of what one would write or install instead. */
export const inProcess: BenchCase = {
  name: "in-process",
  about: "all in one, in-process bus, sealed text pushes, a backend that answers at once and after 200 ms",
  async run(stage) {
    const backend = await startProgram(stage, "backend");
    const load = await startLoad(stage, backend);
    const { port, pids } = await startBridge(stage, { backend: backend.port });
    const bridge: Subject = { name: "bridge", port, pids, expect: "sealed" };
    const others = [
      await startYardstick(stage, "bare-route", [backend.port], "plain"),
      await startYardstick(stage, "crypto-route", [backend.port], "sealed"),
      await startYardstick(stage, "npm-peer", [backend.port], "sealed anew"),
    ];
    const fastest = await warmUp(stage, load, [bridge, ...others]);
    const figures: Figure[] = [];
    for (const delay of delays) {
      await backend.ask({ delay });
      for (const connections of connectionCounts) {
        const rate = delay === 0 ? fastest : Math.min(fastest, (connections / delay) * 1000);
        const runs = await compare(stage, load, [bridge, ...others], {
          connections,
          rate,
          spread: delay,
          settle: 2 * delay,
        });
        const beside = others.map((subject) => ({
          subject,
          atLeast: delay === 0 ? targets[subject.name]?.[connections] : undefined,
        }));
        figures.push(...figuresBeside(`${delay} ms, c=${connections}:`, runs, bridge, beside));
      }
    }
    return { figures };
  },
};
