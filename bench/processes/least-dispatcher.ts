/**
 * `least-dispatcher.ts <amqp url> <queue> <backend port>`: the other half of the least that a bridge over RabbitMQ must do.
 * POSTs what comes from the queue to the backend, sends the answer to the reply queue, acks.
 */
import { connect, type ConsumeMessage } from "amqplib";
import { serveParent } from "./parent.ts";
import { createForward } from "./yardstick.ts";

const [url = "", queue = "", backend] = process.argv.slice(2);
const forward = createForward(Number(backend));
const model = await connect(url, { noDelay: true });
const channel = await model.createChannel();

async function deliver(message: ConsumeMessage): Promise<void> {
  const { correlationId = "", replyTo = "", type = "" } = message.properties;
  const answer = await forward(type, "application/json", message.content);
  channel.sendToQueue(replyTo, Buffer.from(answer), { correlationId });
  channel.ack(message);
}

// gone a minute after the bench, on a broker that others use too
await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum", "x-expires": 60_000 } });
await channel.prefetch(256);
await channel.consume(queue, (message) => message && void deliver(message));
serveParent(0, () => ({}));
