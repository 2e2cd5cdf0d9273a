// Replies to text messages and menu clicks with the kit: reconnecting, retries and types come with it.
//
//   npm install /path/to/wx-bridge/wx-bridge-0.1.0.tgz    (docs/consumers.md says how to make it;
//                                                          in a clone of wx-bridge: npm run build)
//   AMQP_URL=amqp://user:password@127.0.0.1:5672 node kit.mjs
import { createConsumer } from "wx-bridge/consumer";

const { AMQP_URL = "amqp://127.0.0.1:5672", PREFIX = "wx", QUEUE = "example.kit" } = process.env;

const consumer = createConsumer({ url: AMQP_URL, prefix: PREFIX, queue: QUEUE })
  .on("msg.text", (push) => `The kit heard: ${push.Content}`)
  .on("event.CLICK", async (push, { remaining, signal }) => {
    if (remaining() < 500) return undefined; // too late for the user
    signal.throwIfAborted();
    return { type: "text", msg: `The kit was asked for ${push.EventKey}` };
  });

await consumer.start();
console.log("waiting for pushes");
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => consumer.close().then(() => process.exit(0)));
