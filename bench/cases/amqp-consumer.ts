import { randomUUID } from "node:crypto";
import { prefixOf } from "../support/account.ts";
import { startGateway } from "../support/bridge.ts";
import { startBroker } from "../support/broker.ts";
import type { BenchCase } from "../support/case.ts";
import { compare, warmUp } from "../support/compare.ts";
import { figuresBeside } from "../support/figures-beside.ts";
import type { Figure } from "../support/figures.ts";
import { startLoad, type Subject } from "../support/load.ts";
import { startProgram } from "../support/program.ts";

const connectionCounts = [1, 32, 256];

/** A consumer takes the place of dispatcher and backend; beside it, the least that a gateway must do for the same one. */
export const amqpConsumer: BenchCase = {
  name: "amqp-consumer",
  about: "gateway, and a consumer that replies over RabbitMQ without a backend; sealed text pushes",
  async run(stage) {
    const { url, version } = await startBroker(stage);
    const gateway = await startGateway(stage, { amqpUrl: url });
    const events = `${prefixOf(gateway.port)}.events`;
    const queue = `bench-consumer-${randomUUID()}`;
    const consumer = await startProgram(stage, "consumer", [url, queue, events]);
    const bridge: Subject = { name: "bridge", port: gateway.port, pids: gateway.pids, expect: "sealed" };
    // the same consumer: replies find their way back by reply_to
    const least = await startProgram(stage, "least-gateway", [url, queue, "crypto"]);
    const beside: Subject = { name: "least with crypto", port: least.port, pids: [least.pid], expect: "sealed" };
    const load = await startLoad(stage, consumer);
    const rate = await warmUp(stage, load, [bridge, beside]);
    const figures: Figure[] = [];
    for (const connections of connectionCounts) {
      const runs = await compare(stage, load, [bridge, beside], { connections, rate });
      figures.push(...figuresBeside(`c=${connections}:`, runs, bridge, [{ subject: beside }]));
    }
    return { figures, notes: { broker: version } };
  },
};
