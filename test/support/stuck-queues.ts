import type { PrivateNode } from "./private-node.ts";

/** Suspends a node's queues whose names begin so: they answer nobody, whoever asks, until they are resumed. */
export async function tellQueues(node: PrivateNode, what: "suspend" | "resume", prefix: string): Promise<void> {
  const isMeant = `binary:longest_common_prefix([element(4, amqqueue:get_name(Q)), <<"${prefix}">>]) =:= ${prefix.length}`;
  await node.rabbitmqctl(
    "eval",
    `[sys:${what}(amqqueue:get_pid(Q)) || Q <- rabbit_amqqueue:list(<<"/">>), ${isMeant}].`,
  );
}
