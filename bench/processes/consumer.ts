/**
 * `consumer.ts <amqp url> <queue> [<exchange>]`: an AMQP consumer that answers every event with a text that holds the
 * push's MsgId, as the HTTP backend does, and acks. With an exchange, its queue is bound for messages. It tells how many
 * it has taken.
 */
import { connect, type ConsumeMessage } from "amqplib";
import { serveParent } from "./parent.ts";
import { answerTo } from "./thanks.ts";

const [url = "", queue = "", exchange] = process.argv.slice(2);
const model = await connect(url, { noDelay: true });
const channel = await model.createChannel();
let requests = 0;

function take(message: ConsumeMessage): void {
  requests++;
  const { correlationId = "", replyTo = "" } = message.properties;
  channel.sendToQueue(replyTo, Buffer.from(answerTo(message.content)), { correlationId });
  channel.ack(message);
}

// gone a minute after the bench, on a broker that others use too
await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum", "x-expires": 60_000 } });
if (exchange !== undefined) await channel.bindQueue(queue, exchange, "msg.#");
await channel.prefetch(256);
await channel.consume(queue, (message) => message && take(message));
serveParent(0, () => ({ requests }));
