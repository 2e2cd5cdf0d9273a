import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { text } from "../bridge/consumer-kit.ts";
import { createSystem } from "../bridge/system.ts";
import { obtainSbin } from "../support/broker.ts";
import { findFreePort } from "../support/free-port.ts";
import { startPrivateNode, type PrivateNode } from "../support/private-node.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { startExample } from "./start-example.ts";

let node: PrivateNode | undefined;
let port = 0;

before(async () => {
  const sbin = await obtainSbin();
  if (sbin === undefined) return;
  port = await findFreePort();
  const config = ["management.tcp.ip = 127.0.0.1", `management.tcp.port = ${port}`];
  node = await startPrivateNode({ sbin, config, plugins: ["rabbitmq_management"] });
  process.env["AMQP_URL"] = node.url;
});

after(() => node?.stop());

test("shell/consumer.sh replies through the management API, inside the budget", async (t) => {
  if (node === undefined) return t.skip("no RabbitMQ can be started here");
  const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "shop", delivery: "amqp" }] });
  const env = { MANAGEMENT_URL: `http://guest:guest@127.0.0.1:${port}` };
  await startExample(t, system, "/bin/sh", ["shell/consumer.sh"], env);
  const { opened } = await system.wechat("shop").push(text("你好"));
  assert.equal(parseReply(opened)["Content"], "The shell heard: 你好");
});
