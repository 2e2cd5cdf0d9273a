import { join } from "node:path";
import { findFreePort } from "../../test/support/free-port.ts";
import type { Closing } from "../../test/support/loopback-server.ts";
import type { PrivateNode } from "../../test/support/private-node.ts";
import { account, bridgeConfig } from "./account.ts";
import { createBridgeRole, type BridgeRole } from "./bridge-role.ts";
import { createProxies, startBrokers, urlsOf } from "./brokers.ts";
import { brokerVictim, roleVictim, type Victim } from "./faults.ts";
import { logs } from "./history.ts";
import type { ChaosOptions } from "./options.ts";
import type { BackendProcessOptions } from "./processes/backend.ts";
import { startProgram, type Program } from "./program.ts";

/** All that runs, but for WeChat. */
export interface ChaosSystem {
  nodes: PrivateNode[];
  gateway: BridgeRole;
  dispatcher: BridgeRole;
  backend: Program<{ requests: number }>;
  victims: Victim[];
  /** Where WeChat pushes to. */
  url: string;
}

export interface SystemOptions extends ChaosOptions {
  folder: string;
  onCrash: (process: string) => void;
  onHarnessEnd: (reason: string) => void;
}

/** Starts broker, backend, dispatcher and gateway. Between the last two and the broker stands a proxy for each. */
export async function startSystem(stage: Closing, options: SystemOptions): Promise<ChaosSystem> {
  const { folder, onCrash } = options;
  const nodes = await startBrokers(stage, options.cluster);
  const answering: BackendProcessOptions = { seed: options.seed, log: join(folder, logs.receipts) };
  const backend = await startProgram<{ requests: number }>(
    stage,
    "backend",
    JSON.stringify(answering),
    options.onHarnessEnd,
  );
  const proxies = { gateway: await createProxies(stage, nodes), dispatcher: await createProxies(stage, nodes) };
  const listenPort = await findFreePort();

  async function startRole(role: "gateway" | "dispatcher"): Promise<BridgeRole> {
    const config = bridgeConfig({
      listenPort,
      internalPort: await findFreePort(),
      backendPort: backend.port,
      amqpUrls: urlsOf(proxies[role]),
      dataDir: role === "gateway" && options.spool ? join(folder, "data") : undefined,
    });
    const started = await createBridgeRole(stage, { role, config, folder, onCrash: () => onCrash(role) });
    await started.start();
    return started;
  }

  const dispatcher = await startRole("dispatcher");
  const gateway = await startRole("gateway");
  return {
    nodes,
    gateway,
    dispatcher,
    backend,
    victims: [
      roleVictim("gateway", gateway, proxies.gateway),
      roleVictim("dispatcher", dispatcher, proxies.dispatcher),
      brokerVictim(nodes, [...proxies.gateway, ...proxies.dispatcher]),
    ],
    url: `http://127.0.0.1:${listenPort}${account.path}`,
  };
}
