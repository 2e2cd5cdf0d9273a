import { startEpmd } from "./epmd.ts";
import type { Closing } from "./loopback-server.ts";
import { startPrivateNode, type PrivateNode } from "./private-node.ts";

/** As docs/reliability.md asks of a cluster. By RabbitMQ's default what it could not dead-letter waits for 3 to 6 minutes. */
const advanced = "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 5000}]}].\n";

/** Starts three RabbitMQ nodes that form a cluster, about 25 s; they end with the test. */
export async function startCluster(t: Closing, sbin: string): Promise<PrivateNode[]> {
  const epmd = await startEpmd(sbin);
  t.after(() => epmd.stop());
  const names = [1, 2, 3].map((number) => `node${number}of${epmd.port}@localhost`);
  const config = [
    "cluster_formation.peer_discovery_backend = classic_config",
    ...names.map((name, i) => `cluster_formation.classic_config.nodes.${i + 1} = ${name}`),
    "cluster_partition_handling = pause_minority",
    "net_ticktime = 5",
  ];
  const shared = { sbin, epmdPort: epmd.port, config, advanced };
  const starting = names.map((nodename) => startPrivateNode({ ...shared, nodename }));
  const started = await Promise.allSettled(starting);
  const nodes = started.filter((result) => result.status === "fulfilled").map(({ value }) => value);
  const failed = started.find((result) => result.status === "rejected");
  for (const node of nodes) t.after(() => node.stop());
  if (failed !== undefined) throw failed.reason;
  return nodes;
}

/** Who leads a quorum queue, by name; undefined while the cluster cannot tell. */
export async function leaderOf(nodes: readonly PrivateNode[], queue: string): Promise<PrivateNode | undefined> {
  for (const node of nodes) {
    const rows = await listQueues<{ name: string; leader: string }>(node, "name", "leader").catch(() => []);
    const leader = rows.find(({ name }) => name === queue)?.leader;
    if (leader) return nodes.find(({ nodename }) => nodename === leader);
  }
  return undefined;
}

/** Columns of every queue, as `rabbitmqctl list_queues` names them. */
export async function listQueues<Row>(node: PrivateNode, ...columns: string[]): Promise<Row[]> {
  const text = await node.rabbitmqctl("-q", "list_queues", "--formatter", "json", ...columns);
  return JSON.parse(text) as Row[];
}
