import { describe } from "node:test";
import type { CreateBus } from "./bench.ts";
import { consumingContract } from "./contract-consuming.ts";
import { publishingContract } from "./contract-publishing.ts";
import { queueContract } from "./contract-queues.ts";
import { routingContract } from "./contract-routing.ts";
import { topologyContract } from "./contract-topology.ts";

/** What every adapter of the bus keeps. */
export function busContract(name: string, createBus: CreateBus): void {
  describe(name, () => {
    routingContract(createBus);
    publishingContract(createBus);
    consumingContract(createBus);
    queueContract(createBus);
    topologyContract(createBus);
  });
}
