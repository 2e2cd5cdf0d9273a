import assert from "node:assert/strict";
import { test } from "node:test";
import { createBackend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { onLoopback } from "../support/on-loopback.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { createWechat } from "../support/wechat-server.ts";
import { startProcess, writeConfig } from "./bridge-process.ts";
import { createSystem, type ServiceSettings } from "./system.ts";

const text = (id: number): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>oUSER1</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>${id}</Content><MsgId>${id}</MsgId></xml>`;

/** One process on the in-process bus, with the default names, which is killed with pushes of the numbers in its hands. */
async function leaveInProcess(t: Closing, service: ServiceSettings, ids: number[]): Promise<string> {
  const dataDir = createTemporaryFolder(t);
  const { sealed: _, ...settings } = service;
  const file = await writeConfig(t, {
    ...onLoopback,
    "data-dir": dataDir,
    services: [
      {
        "wx-params": { token: "AAAAA", "app-id": "wx1" },
        "listen-endpoints": { "service-path": "/wx" },
        ...settings,
      },
    ],
  });
  const bridge = await startProcess(t, "start", file);
  const wechat = createWechat({ url: `http://127.0.0.1:${bridge.port}/wx`, token: "AAAAA", appId: "wx1" });
  for (const id of ids) assert.equal((await wechat.push(text(id))).opened, "success");
  await bridge.end("SIGKILL");
  return dataDir;
}

void test("from one process to RabbitMQ with a prefix: what was under way or waits for a retry reaches the backend", async (t) => {
  const backend = await createBackend(t, ({ json }) =>
    (json as { Content: string }).Content === "1" ? "reset" : "hang",
  );
  const service = {
    name: "account",
    sealed: false,
    "msg-proxy-pass": backend.url,
    "reply-budget": 600,
    retry: ["1s"],
  };
  const dataDir = await leaveInProcess(t, service, [1, 2]);
  const before = backend.requests.length;
  backend.answer({ body: { type: "success" } });
  await createSystem(t, { bus: "rabbitmq", services: [service], settings: { "data-dir": dataDir } });
  const requests = await backend.next(before + 2);
  const attempts = new Map(
    requests.slice(before).map(({ headers }) => [headers["x-wx-event-id"], headers["x-wx-attempt"]]),
  );
  assert.deepEqual([attempts.get("account/oUSER1/1"), attempts.get("account/oUSER1/2")], ["2", "1"]);
});

void test('from one process to RabbitMQ, `ordering: "user"`: a user\'s live pushes come behind those that are on disk', async (t) => {
  const backend = await createBackend(t, "hang");
  const service = {
    name: "account",
    sealed: false,
    "msg-proxy-pass": backend.url,
    "reply-budget": 600,
    ordering: "user",
  };
  const dataDir = await leaveInProcess(t, service, [1, 2, 3]);
  const before = backend.requests.length;
  backend.answer({ body: { type: "success" } });
  const system = await createSystem(t, {
    bus: "rabbitmq",
    services: [service],
    settings: { "data-dir": dataDir },
  });
  assert.equal((await system.wechat("account").push(text(4))).opened, "success");
  const requests = await backend.next(before + 4);
  assert.deepEqual(
    requests.slice(before).map(({ headers }) => headers["x-wx-event-id"]),
    [1, 2, 3, 4].map((id) => `account/oUSER1/${id}`),
  );
});

void test("from one process to RabbitMQ without one of its accounts: a line tells what went to unrouted", async (t) => {
  const backend = await createBackend(t, "hang");
  const service = { name: "account", sealed: false, "msg-proxy-pass": backend.url, "reply-budget": 600 };
  const dataDir = await leaveInProcess(t, service, [1]);
  const services = [{ ...service, name: "other" }];
  const { log, prefix } = await createSystem(t, { bus: "rabbitmq", services, settings: { "data-dir": dataDir } });
  const lineOf = () => log.find(({ identity }) => identity === "account/oUSER1/1");
  await until(async () => lineOf() !== undefined, "it is told");
  assert.deepEqual(
    [lineOf()?.msg, lineOf()?.["queue"]],
    ["no queue takes a push from the disk, it is kept in unrouted", `${prefix}.unrouted`],
  );
});
