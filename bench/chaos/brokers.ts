import { obtainSbin } from "../../test/support/broker.ts";
import { listQueues, startCluster } from "../../test/support/cluster.ts";
import type { Closing } from "../../test/support/loopback-server.ts";
import { startPrivateNode, type PrivateNode } from "../../test/support/private-node.ts";
import { createTcpProxy, type TcpProxy } from "../../test/support/tcp-proxy.ts";

/** One RabbitMQ, or three that form a cluster. */
export async function startBrokers(stage: Closing, cluster: boolean): Promise<PrivateNode[]> {
  const sbin = await obtainSbin();
  if (sbin === undefined) throw new Error("no RabbitMQ to be hurt: apt-get install rabbitmq-server");
  if (cluster) return startCluster(stage, sbin);
  const node = await startPrivateNode({ sbin });
  stage.after(() => node.stop());
  return [node];
}

/** A way of its own to every broker, for one process: what is cut here is cut for nobody else. */
export function createProxies(stage: Closing, nodes: readonly PrivateNode[]): Promise<TcpProxy[]> {
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
