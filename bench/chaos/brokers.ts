import { obtainSbin } from "../../test/support/broker.ts";
import { startEpmd } from "../../test/support/epmd.ts";
import { startPrivateNode, type PrivateNode } from "../../test/support/private-node.ts";
import { createTcpProxy, type TcpProxy } from "../../test/support/tcp-proxy.ts";
import type { Stage } from "./stage.ts";

/** One RabbitMQ, or three that form a cluster. */
export async function startBrokers(stage: Stage, cluster: boolean): Promise<PrivateNode[]> {
  const sbin = await obtainSbin();
  if (sbin === undefined) throw new Error("no RabbitMQ to be hurt: apt-get install rabbitmq-server");
  const nodes = cluster ? await startCluster(stage, sbin) : [await startPrivateNode({ sbin })];
  for (const node of nodes) stage.after(() => node.stop());
  return nodes;
}

async function startCluster(stage: Stage, sbin: string): Promise<PrivateNode[]> {
  const epmd = await startEpmd(sbin);
  stage.after(() => epmd.stop());
  const names = [1, 2, 3].map((number) => `chaos${number}@localhost`);
  const config = [
    "cluster_formation.peer_discovery_backend = classic_config",
    ...names.map((name, i) => `cluster_formation.classic_config.nodes.${i + 1} = ${name}`),
    "cluster_partition_handling = pause_minority",
    "net_ticktime = 5",
  ];
  const starting = names.map((nodename) => startPrivateNode({ sbin, nodename, epmdPort: epmd.port, config }));
  const started = await Promise.allSettled(starting);
  const nodes = started.filter((result) => result.status === "fulfilled").map(({ value }) => value);
  const failed = started.find((result) => result.status === "rejected");
  if (failed === undefined) return nodes;
  await Promise.all(nodes.map((node) => node.stop()));
  throw failed.reason;
}

/** A way of its own to every broker, for one process: what is cut here is cut for nobody else. */
export function createProxies(stage: Stage, nodes: readonly PrivateNode[]): Promise<TcpProxy[]> {
  return Promise.all(nodes.map(({ port }) => createTcpProxy(stage, "127.0.0.1", port)));
}

/** The proxies' addresses, for `amqp.urls`. */
export function urlsOf(proxies: readonly TcpProxy[]): string[] {
  return proxies.map(({ port }) => `amqp://guest:guest@127.0.0.1:${port}`);
}

/** Messages in every queue that holds any. Throws while the broker cannot tell. */
export async function depthsOf(node: PrivateNode): Promise<Record<string, number>> {
  const rows = await listQueues<{ name: string; messages: number }>(node, "name", "messages");
  return Object.fromEntries(rows.filter(({ messages }) => messages > 0).map(({ name, messages }) => [name, messages]));
}

/** The node that leads a quorum queue; undefined when the cluster cannot tell. */
export async function leaderOf(nodes: readonly PrivateNode[], queue: string): Promise<PrivateNode | undefined> {
  for (const node of nodes) {
    const rows = await listQueues<{ name: string; leader: string }>(node, "name", "leader").catch(() => []);
    const leader = rows.find(({ name }) => name === queue)?.leader;
    if (leader) return nodes.find(({ nodename }) => nodename === leader);
  }
  return undefined;
}

async function listQueues<Row>(node: PrivateNode, ...columns: string[]): Promise<Row[]> {
  const text = await node.rabbitmqctl("-q", "list_queues", "--formatter", "json", ...columns);
  return JSON.parse(text) as Row[];
}
