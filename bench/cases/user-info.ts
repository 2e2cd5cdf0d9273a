import { startBridge, type BridgeOptions } from "../support/bridge.ts";
import type { BenchCase } from "../support/case.ts";
import { compare, valuesOf, warmUp } from "../support/compare.ts";
import type { Figure } from "../support/figures.ts";
import { startLoad, type Subject } from "../support/load.ts";
import { startProgram, type Program } from "../support/program.ts";

const CONNECTIONS = 32;
/** Fewer than the bridge remembers, and all of them asked for during the warm-up. */
const WARM_USERS = 1000;
/** More than there are pushes: everyone is new. */
const COLD_USERS = 1e15;

const shown = [
  { quantity: "rate", unit: "/s", what: "" },
  { quantity: "cpu", unit: "µs", what: ", CPU a push" },
  { quantity: "p50", unit: "ms", what: ", median" },
  { quantity: "p99", unit: "ms", what: ", p99" },
] as const;

/** What `userInfo` in every event costs, known to the bridge already or asked for first. */
export const userInfo: BenchCase = {
  name: "user-info",
  about: `all in one, in-process bus, ${CONNECTIONS} connections; without userInfo, with it remembered, with a call for each push`,
  async run(stage) {
    const backend = await startProgram(stage, "backend");
    const load = await startLoad(stage, backend);

    async function subjectWith(name: string, users: number, options: BridgeOptions = {}): Promise<Subject> {
      const { port, pids } = await startBridge(stage, { backend: backend.port, ...options });
      return { name, port, pids, users, expect: "sealed" };
    }

    const warmApi = await startProgram(stage, "wechat-api");
    const coldApi = await startProgram(stage, "wechat-api");
    const without = await subjectWith("without userInfo", WARM_USERS);
    const warm = await subjectWith("warm", WARM_USERS, { wechatApi: warmApi.port });
    const cold = await subjectWith("cold", COLD_USERS, { wechatApi: coldApi.port });
    const subjects = [without, warm, cold];
    const rate = await warmUp(stage, load, subjects);
    const before = { warm: await callsOf(warmApi), cold: await callsOf(coldApi) };
    const runs = await compare(stage, load, subjects, { connections: CONNECTIONS, rate });
    const pushes = (runs.get(cold) ?? []).reduce((sum, { answers }) => sum + answers, 0);
    check("warm", (await callsOf(warmApi)) - before.warm, 0);
    check("cold", (await callsOf(coldApi)) - before.cold, pushes);
    const figures = shown.flatMap(({ quantity, unit, what }) =>
      subjects.map((subject): Figure => ({
        what: `${subject.name}${what}`,
        unit,
        values: valuesOf(runs.get(subject), quantity),
      })),
    );
    return { figures };
  },
};

async function callsOf(api: Program): Promise<number> {
  return (await api.ask<{ userInfo: number }>({})).userInfo;
}

function check(name: string, calls: number, expected: number): void {
  if (calls !== expected) throw new Error(`${name}: WeChat was asked for ${calls} users, not for ${expected}`);
}
