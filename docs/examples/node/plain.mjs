// Replies to text messages and menu clicks. Needs only the AMQP contract (docs/amqp.md) and amqplib.
//
//   AMQP_URL=amqp://user:password@127.0.0.1:5672 node plain.mjs
import { connect } from "amqplib";

const { AMQP_URL = "amqp://127.0.0.1:5672", PREFIX = "wx", QUEUE = "example.node" } = process.env;

/** What the user reads; undefined leaves the reply to other consumers. */
function answer(key, push) {
  if (key === "msg.text") return { type: "text", msg: `Node heard: ${push.Content}` };
  if (key === "event.CLICK") return { type: "text", msg: `Node was asked for ${push.EventKey}` };
  return undefined;
}

// Nagle's algorithm would keep the reply back for 40 ms.
const connection = await connect(AMQP_URL, { noDelay: true });
connection.on("close", () => process.exit(1)); // let a supervisor start it again
const channel = await connection.createConfirmChannel();
await channel.prefetch(50);

// What is rejected: wx-bridge dead list --dead-queue example.node.dead
const dead = `${QUEUE}.dead`;
const quorum = { "x-queue-type": "quorum", "x-delivery-limit": 1_000_000 };
await channel.assertExchange(dead, "fanout");
await channel.assertQueue(dead, { durable: true, arguments: quorum });
await channel.bindQueue(dead, dead, "");
const deadLettered = {
  "x-dead-letter-exchange": dead,
  "x-dead-letter-strategy": "at-least-once",
  "x-overflow": "reject-publish", // which that strategy wants; without a limit nothing is refused
};
await channel.assertQueue(QUEUE, { durable: true, arguments: { ...quorum, ...deadLettered } });
for (const key of ["msg.text", "event.CLICK"]) await channel.bindQueue(QUEUE, `${PREFIX}.events`, key);

await channel.consume(QUEUE, async (delivery) => {
  if (delivery === null) process.exit(1); // the queue was deleted
  const { replyTo, correlationId, headers, type } = delivery.properties;
  try {
    const reply = answer(type, JSON.parse(delivery.content.toString()));
    if (reply && replyTo) {
      const properties = { correlationId, headers: { "x-wx-service": headers["x-wx-service"] } };
      channel.publish(`${PREFIX}.replies`, replyTo, Buffer.from(JSON.stringify(reply)), properties);
      await channel.waitForConfirms().catch(() => {}); // nacked: that gateway is gone, nobody waits
    }
    channel.ack(delivery); // after the reply
  } catch (error) {
    console.error("given up", correlationId, error);
    channel.nack(delivery, false, false); // to the dead letters; requeued it would come back at once, for ever
  }
});
console.log("waiting for pushes");
