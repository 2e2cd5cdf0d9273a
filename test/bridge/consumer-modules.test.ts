import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { onLoopback } from "../support/on-loopback.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { runCommand, writeTemporary } from "../cli/run-command.ts";
import { until } from "../support/until.ts";
import { startProcess, writeConfig } from "./bridge-process.ts";
import { openChannel } from "./broker-channel.ts";
import { event, text } from "./consumer-kit.ts";
import { busKinds, createSystem } from "./system.ts";

const replying = `export default (consumer) => {
  consumer.on("msg.text", (push, context) => \`\${context.service} heard \${push.Content}\`);
  consumer.on("event.CLICK", (_push, { attempt }) => {
    if (attempt === 1) throw new Error("not yet");
    return { type: "text", msg: "the second try" };
  });
  consumer.on("event.VIEW", () => {
    throw new Error("never");
  });
};
export const options = { retry: ["100ms"] };
`;

for (const bus of busKinds) {
  test(`${bus}: a module's handlers reply from inside the process, and fail onto the ladder`, async (t) => {
    // The queue has the file's name, and other tests may use the broker.
    const name = `shop-${Math.random().toString(36).slice(2)}`;
    const module = await writeTemporary(t, `${name}.mjs`, replying);
    const services = [{ name: "shop", delivery: "amqp", reply: ["msg.text", "event.CLICK"] }];
    if (bus === "rabbitmq") t.after(async () => void (await (await openChannel(t)).deleteQueue(name)));
    const system = await createSystem(t, { bus, services, settings: { consumers: [module] } });
    const wechat = system.wechat("shop");
    assert.equal(parseReply((await wechat.push(text("hello"))).opened)["Content"], "shop heard hello");
    assert.equal(parseReply((await wechat.push(event("CLICK"))).opened)["Content"], "the second try");
    assert.equal((await wechat.push(event("VIEW"))).opened, "success");
    // Counted after the reply, which may be quicker.
    for (const end of ['key="event.CLICK",outcome="taken"', 'key="event.VIEW",outcome="exhausted"'])
      await until(async () => (await system.metrics("dispatcher")).includes(end), end);
    const metrics = await system.metrics("dispatcher");
    for (const [key, outcome] of [
      ["msg.text", "taken"],
      ["event.CLICK", "retry"],
      ["event.CLICK", "taken"],
      ["event.VIEW", "retry"],
      ["event.VIEW", "exhausted"],
    ]) {
      const line = `wx_consumer_deliveries_total{consumer="${name}",key="${key}",outcome="${outcome}"} 1`;
      assert.ok(metrics.includes(line), line);
    }
    assert.match(metrics, /wx_retries_total\{service="shop",delay="100ms"\} 2\n/);
    assert.match(metrics, /wx_dead_total\{service="shop",reason="exhausted"\} 1\n/);
  });
}

const settings = (consumers: string[]): object => ({
  ...onLoopback,
  consumers,
  services: [
    {
      name: "shop",
      "wx-params": { token: "AAAAA", "app-id": "wx1", "aes-key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG" },
      "listen-endpoints": { "service-path": "/shop" },
      delivery: "amqp",
    },
  ],
});

test("modules that cannot be used end the start, each with its fault", async (t) => {
  const silent = await writeTemporary(t, "silent.mjs", "export const setup = 1;");
  const broken = await writeTemporary(t, "broken.mjs", 'throw new Error("no database");');
  const fine = await writeTemporary(t, "shop.mjs", replying);
  const double = await writeTemporary(t, "shop.mjs", replying);
  const config = await writeConfig(t, settings(["./missing.mjs", silent, broken, fine, double]));
  const { code, stderr } = await runCommand(t, ["start"], { CONF_FILE: config, AMQP_URL: "" });
  assert.equal(code, 1);
  assert.match(stderr, /4 faults/);
  assert.match(stderr, /consumers\[0\]: \S+missing\.mjs cannot be used: Cannot find module/);
  assert.match(
    stderr,
    /consumers\[1\]: \S+silent\.mjs cannot be used: it exports neither a default function nor setup/,
  );
  assert.match(stderr, /consumers\[2\]: \S+broken\.mjs cannot be used: no database/);
  assert.match(stderr, /consumers\[4\]: \S+shop\.mjs cannot be used: another consumer has the queue shop;/);
});

test("a module is found beside the config file, in TypeScript too", async (t) => {
  const config = await writeConfig(t, settings(["./shop.ts"]));
  await writeFile(
    join(config, "../shop.ts"),
    `export async function setup(consumer: { on(pattern: string, handler: () => string): void }): Promise<void> {
  await Promise.resolve();
  consumer.on("#", () => "typed");
}`,
  );
  const bridge = await startProcess(t, "start", config);
  assert.equal(await bridge.end("SIGTERM"), 0);
});
