import assert from "node:assert/strict";
import { test } from "node:test";
import { event, text } from "../bridge/consumer-kit.ts";
import { createSystem } from "../bridge/system.ts";
import type { Closing } from "../support/loopback-server.ts";
import { obtainPika } from "../support/pika.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { startExample } from "./start-example.ts";

const contentOf = ({ opened }: { opened: string }): unknown => parseReply(opened)["Content"];

test("python/consumer.py, written from the contract alone, replies to sealed pushes inside the budget", async (t) => {
  const { python, env } = await obtainPika();
  await answers(t, "Python", python, ["python/consumer.py"], env);
});

test("node/plain.mjs replies to sealed pushes inside the budget", async (t) => {
  await answers(t, "Node", process.execPath, ["node/plain.mjs"]);
});

/** Runs an example beside a bridge, and pushes to it what it says it replies to. */
async function answers(t: Closing, who: string, command: string, args: string[], env: object = {}): Promise<void> {
  const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "shop", delivery: "amqp" }] });
  await startExample(t, system, command, args, env);
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
}
