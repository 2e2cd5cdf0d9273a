import { setTimeout as sleep } from "node:timers/promises";
import { leaderOf } from "../../test/support/cluster.ts";
import type { PrivateNode } from "../../test/support/private-node.ts";
import type { TcpProxy } from "../../test/support/tcp-proxy.ts";
import { account } from "./account.ts";
import type { BridgeRole } from "./bridge-role.ts";
import type { Random } from "./random.ts";

/** What can be done to one process; each resolves when the process is itself again. */
export interface Victim {
  process: string;
  faults: Record<string, (random: Random) => Promise<void>>;
}

const RESTART_DELAY = [200, 3000] as const;
const STOPPED = [1000, 4000] as const;
/** How long a connection that was reset may take to come back until that is waited for no longer. */
const RECONNECT_LIMIT = 5000;
const ELECTION_LIMIT = 30_000;

/** Kills, stops and cuts off a gateway or a dispatcher. */
export function roleVictim(process: string, role: BridgeRole, proxies: readonly TcpProxy[]): Victim {
  return {
    process,
    faults: {
      async kill(random) {
        await role.kill();
        await sleep(random.between(...RESTART_DELAY));
        await role.start();
      },
      async stop(random) {
        role.signal("SIGSTOP");
        await sleep(random.between(...STOPPED));
        role.signal("SIGCONT");
      },
      reset: () => reset(proxies),
    },
  };
}

/** The same for a broker. Of three, one at a time: the leader of the dispatcher's queue, or any. */
export function brokerVictim(nodes: readonly PrivateNode[], proxies: readonly TcpProxy[]): Victim {
  return {
    process: "broker",
    faults: {
      kill: (random) => killNode(random.pick(nodes), random),
      async stop(random) {
        const node = random.pick(nodes);
        await node.freeze();
        await sleep(random.between(...STOPPED));
        node.thaw();
      },
      reset: () => reset(proxies),
      ...(nodes.length === 1
        ? {}
        : {
            async "kill leader"(random: Random) {
              await killNode(await findLeader(nodes), random);
            },
          }),
    },
  };
}

/** Of the dispatcher's queue. There may be none for a moment after the fault before. */
async function findLeader(nodes: readonly PrivateNode[]): Promise<PrivateNode> {
  for (const end = Date.now() + ELECTION_LIMIT; Date.now() < end; await sleep(500)) {
    const leader = await leaderOf(nodes, `chaos.dispatch.${account.service}`);
    if (leader) return leader;
  }
  throw new Error("the cluster does not name the leader of the dispatcher's queue");
}

async function killNode(node: PrivateNode, random: Random): Promise<void> {
  await node.kill9();
  await sleep(random.between(...RESTART_DELAY));
  await node.restart();
}

/** RST on every connection, once there are any; over when as many are back, or after 5 s. */
async function reset(proxies: readonly TcpProxy[]): Promise<void> {
  const count = (): number => proxies.reduce((sum, { connections }) => sum + connections, 0);
  await until(() => count() > 0);
  const before = count();
  for (const proxy of proxies) proxy.reset();
  await until(() => count() >= before);
}

async function until(isThere: () => boolean): Promise<void> {
  for (const end = Date.now() + RECONNECT_LIMIT; Date.now() < end && !isThere();) await sleep(50);
}
