/**
 * `least-gateway.ts <amqp url> <queue> plain|crypto`: half of the least that a bridge over RabbitMQ must do. Publishes each
 * push to a quorum queue, mandatory and confirmed, and answers with the reply; `crypto`: opened before, sealed after.
 */
import { connect } from "amqplib";
import { jsonOf, openPush, sealReply, type Fields } from "./safe-mode.ts";
import { servePushes } from "./yardstick.ts";

const [url = "", queue = "", mode] = process.argv.slice(2);
const model = await connect(url, { noDelay: true });
const channel = await model.createConfirmChannel();
const waiting = new Map<string, (reply: string) => void>();
let count = 0;

channel.on("return", () => {
  throw new Error("nobody takes the pushes");
});
const { queue: replyTo } = await channel.assertQueue("", { exclusive: true });
await channel.consume(
  replyTo,
  (message) => {
    const id = String(message?.properties.correlationId);
    waiting.get(id)?.(String(message?.content));
    waiting.delete(id);
  },
  { noAck: true },
);

async function exchange(type: string, body: Buffer): Promise<string> {
  const correlationId = String(count++);
  const reply = new Promise<string>((resolve) => waiting.set(correlationId, resolve));
  const options = { mandatory: true, persistent: true, correlationId, replyTo, type };
  await new Promise<void>((resolve, reject) => {
    channel.publish("", queue, body, options, (error: unknown) => (error ? reject(error) : resolve()));
  });
  return reply;
}

if (mode === "plain") {
  await servePushes("application/json; charset=utf-8", ({ body }) => exchange("/msg/text", body as Buffer));
} else {
  await servePushes("text/xml; charset=utf-8", async ({ query, body }) => {
    const push = openPush(query as Fields, body as Buffer);
    const answer = await exchange(`/msg/${push["MsgType"]}`, Buffer.from(jsonOf(push)));
    return sealReply(answer, push, query as Fields);
  });
}
