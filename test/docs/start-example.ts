import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Channel } from "amqplib";
import { openChannel } from "../bridge/broker-channel.ts";
import { brokerUrl, type System } from "../bridge/system.ts";
import type { Closing } from "../support/loopback-server.ts";

const examples = fileURLToPath(new URL("../../docs/examples/", import.meta.url));

/** The queue of an example for a bridge; its dead letters are in `<queue>.dead`. */
export const exampleQueue = ({ prefix }: System): string => `${prefix}-example`;

/** Starts an example for a bridge, with queues that go with the test, and resolves when it waits for pushes. */
export async function startExample(
  t: Closing,
  system: System,
  command: string,
  args: string[],
  env: object,
): Promise<void> {
  const queue = exampleQueue(system);
  const child = spawn(command, args, {
    cwd: examples,
    env: { ...process.env, AMQP_URL: brokerUrl(), PREFIX: system.prefix, QUEUE: queue, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    await removeQueues(await openChannel(t), queue);
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "waiting for pushes") return void child.stdout.resume();
  }
  assert.fail(`the example ended: ${errors}`);
}

async function removeQueues(channel: Channel, queue: string): Promise<void> {
  for (const name of [queue, `${queue}.dead`]) await channel.deleteQueue(name);
  await channel.deleteExchange(`${queue}.dead`);
}
