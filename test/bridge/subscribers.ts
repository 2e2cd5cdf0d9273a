import type { Channel, ConsumeMessage } from "amqplib";
import { createArrivals, type Arrivals } from "../support/arrivals.ts";
import type { Closing } from "../support/loopback-server.ts";
import { openChannel } from "./broker-channel.ts";
import type { System } from "./system.ts";

/** Replies to a push with a text. */
export function reply(channel: Channel, system: System, { properties }: ConsumeMessage, msg: string): void {
  const { replyTo, correlationId } = properties as { replyTo: string; correlationId: string };
  const body = Buffer.from(JSON.stringify({ type: "text", msg }));
  channel.publish(`${system.prefix}.replies`, replyTo, body, { correlationId });
}

/** A durable queue that goes with the test. */
export async function bindQueue(
  t: Closing,
  channel: Channel,
  system: System,
  exchange: string,
  patterns: string[],
  limits: object = { "x-queue-type": "quorum" },
): Promise<string> {
  const queue = `${system.prefix}-subscriber`;
  await channel.assertQueue(queue, { durable: true, arguments: limits });
  t.after(async () => void (await (await openChannel(t)).deleteQueue(queue)));
  for (const pattern of patterns) await channel.bindQueue(queue, `${system.prefix}.${exchange}`, pattern);
  return queue;
}

/** What a queue of its own gets, as long as the channel is open. */
export async function subscribe(
  channel: Channel,
  exchange: string,
  patterns: string[],
): Promise<Arrivals<ConsumeMessage>> {
  const { queue } = await channel.assertQueue("", { exclusive: true });
  for (const pattern of patterns) await channel.bindQueue(queue, exchange, pattern);
  return consume(channel, queue);
}

/** The messages of a queue as they come. */
export function consume(channel: Channel, queue: string): Arrivals<ConsumeMessage> {
  const messages = createArrivals<ConsumeMessage>("messages");
  void channel.consume(queue, (message) => message && messages.add(message), { noAck: true });
  return messages;
}
