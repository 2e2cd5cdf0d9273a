import { MAX_ACCOUNTS } from "../support/account.ts";
import { startBridge, startPair, type Bridge } from "../support/bridge.ts";
import { startBroker } from "../support/broker.ts";
import type { BenchCase } from "../support/case.ts";
import { startLoad, type Subject } from "../support/load.ts";
import { startProgram } from "../support/program.ts";
import { measureScaling } from "../support/scaling.ts";

/** The same load on one account, and spread over many. */
export const accounts: BenchCase = {
  name: "accounts",
  about: `1 account and ${MAX_ACCOUNTS} of them, on either bus, 256 connections`,
  async run(stage) {
    const { url, version } = await startBroker(stage);
    const backend = await startProgram(stage, "backend");
    const load = await startLoad(stage, backend);

    async function single(count: number): Promise<Subject> {
      return subjectOf("in-process", await startBridge(stage, { backend: backend.port, accounts: count }), count);
    }

    async function pair(count: number): Promise<Subject> {
      const options = { backend: backend.port, amqpUrl: url, accounts: count };
      return subjectOf("RabbitMQ", await startPair(stage, options), count);
    }

    const figures = await measureScaling(stage, load, [
      [await single(1), await single(MAX_ACCOUNTS)],
      [await pair(1), await pair(MAX_ACCOUNTS)],
    ]);
    return { figures, notes: { broker: version } };
  },
};

function subjectOf(bus: string, { port, pids }: Bridge, count: number): Subject {
  return {
    name: `${bus}, ${count} account${count === 1 ? "" : "s"}`,
    port,
    pids,
    accounts: count,
    expect: "sealed",
  };
}
