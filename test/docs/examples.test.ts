import assert from "node:assert/strict";
import { test } from "node:test";
import { openChannel } from "../bridge/broker-channel.ts";
import { event, text } from "../bridge/consumer-kit.ts";
import { createSystem, type System } from "../bridge/system.ts";
import type { Closing } from "../support/loopback-server.ts";
import { obtainPika } from "../support/pika.ts";
import { contentOf } from "../support/wechat-reply.ts";
import { exampleQueue, startExample } from "./start-example.ts";

test("python/consumer.py, written from the contract alone, replies to sealed pushes inside the budget", async (t) => {
  const { python, env } = await obtainPika();
  await answers(t, "Python", python, ["python/consumer.py"], env);
});

test("node/plain.mjs replies to sealed pushes inside the budget", async (t) => {
  await answers(t, "Node", process.execPath, ["node/plain.mjs"]);
});

/** Runs an example beside a bridge, and pushes to it what it says it replies to, behind a push whose reply is refused. */
async function answers(t: Closing, who: string, command: string, args: string[], env: object = {}): Promise<void> {
  const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "shop", delivery: "amqp" }] });
  await startExample(t, system, command, args, env);
  await publishUnanswerable(t, system);
  const wechat = system.wechat("shop");
  const pushes = ["你好", "1 &lt; 2", "x".repeat(500)].map((content) => wechat.push(text(content)));
  const [greeting, marked, long] = await Promise.all(pushes);
  const click = await wechat.push(event("CLICK", "V1001"));
  for (const answer of [greeting, marked, long, click]) {
    assert.ok(answer?.verified, "sealed, with the right signature");
  }
  assert.equal(contentOf(greeting ?? assert.fail()), `${who} heard: 你好`);
  assert.equal(contentOf(marked ?? assert.fail()), `${who} heard: 1 < 2`);
  assert.equal(contentOf(long ?? assert.fail()), `${who} heard: ${"x".repeat(500)}`);
  assert.equal(contentOf(click), `${who} was asked for V1001`);

  const channel = await openChannel(t);
  channel.publish(`${system.prefix}.events.shop`, "msg.text", Buffer.from("no JSON"), { type: "msg.text" });
  const dead = Promise.withResolvers<string>();
  await channel.consume(`${exampleQueue(system)}.dead`, (letter) => dead.resolve(String(letter?.content)), {
    noAck: true,
  });
  assert.equal(await dead.promise, "no JSON", "what it gives up is kept");
}

/** An event whose reply queue refuses, as RabbitMQ 4 does for a gateway's that was lost with its node. */
async function publishUnanswerable(t: Closing, { prefix }: System): Promise<void> {
  const channel = await openChannel(t);
  const replyTo = `${prefix}.replies.full`;
  t.after(async () => void (await (await openChannel(t)).deleteQueue(replyTo)));
  await channel.assertQueue(replyTo, { arguments: { "x-max-length": 1, "x-overflow": "reject-publish" } });
  await channel.bindQueue(replyTo, `${prefix}.replies`, replyTo);
  channel.sendToQueue(replyTo, Buffer.from("{}"));
  const headers = {
    "x-wx-service": "shop",
    "x-wx-attempt": 1,
    "x-wx-deadline": Date.now() + 4000,
    "x-wx-budget": 4000,
  };
  const properties = { type: "msg.text", messageId: "shop/oUSER1/1", correlationId: "shop/oUSER1/1", replyTo, headers };
  channel.publish(`${prefix}.events.shop`, "msg.text", Buffer.from('{"MsgType":"text","Content":"lost"}'), properties);
}
