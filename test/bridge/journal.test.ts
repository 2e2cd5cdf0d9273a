import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createBackend, type Backend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { createWechat } from "../support/wechat-server.ts";
import { startProcess, writeConfig, type BridgeProcess } from "./bridge-process.ts";

const text = (id: number): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>oUSER1</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>${id}</Content><MsgId>${id}</MsgId></xml>`;

/** An all-in-one bridge on the in-process bus with a data-dir that outlives its processes. */
async function createFixture(t: Closing, backend: Backend): Promise<() => Promise<BridgeProcess>> {
  const dataDir = await mkdtemp(join(tmpdir(), "wx-bridge-journal-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const file = await writeConfig(t, {
    "listen-host": "127.0.0.1",
    "listen-port": 0,
    "internal-listen-port": 0,
    "dont-append-userinfo": true,
    "data-dir": dataDir,
    services: [
      {
        name: "account",
        "wx-params": { token: "AAAAA", "app-id": "wx1" },
        "listen-endpoints": { "service-path": "/wx" },
        "msg-proxy-pass": backend.url,
        "reply-budget": 600,
        retry: ["2s", "3s"],
      },
    ],
  });
  return () => startProcess(t, "start", file);
}

async function push({ port }: BridgeProcess, id: number): Promise<string> {
  const wechat = createWechat({ url: `http://127.0.0.1:${port}/wx`, token: "AAAAA", appId: "wx1" });
  return (await wechat.push(text(id))).opened;
}

void test("in-process with data-dir: a delivery under way survives kill -9 and reaches the backend again", async (t) => {
  const backend = await createBackend(t, "hang");
  const start = await createFixture(t, backend);
  const first = await start();
  assert.equal(await push(first, 1), "success");
  await backend.next(1);
  await first.end("SIGKILL");
  backend.answer({ body: { type: "success" } });
  await start();
  const [again] = await backend.next(1);
  assert.equal(again?.headers["x-wx-event-id"], "account/oUSER1/1");
  assert.equal((JSON.parse(again?.body ?? "{}") as { Content: string }).Content, "1");
});

void test("in-process with data-dir: a retry that waits survives a restart, and what was acked does not come back", async (t) => {
  const backend = await createBackend(t, ({ json }) =>
    (json as { Content: string }).Content === "2" ? "reset" : { body: { type: "success" } },
  );
  const start = await createFixture(t, backend);
  const first = await start();
  assert.equal(await push(first, 2), "success");
  assert.equal(await push(first, 3), "success");
  await backend.next(2);
  assert.equal(await first.end("SIGTERM"), 0);
  backend.answer({ body: { type: "success" } });
  await start();
  const [retried] = await backend.next(1, 10_000);
  assert.equal(retried?.headers["x-wx-event-id"], "account/oUSER1/2");
  assert.equal(retried?.headers["x-wx-attempt"], "2");
  assert.equal(backend.requests.length, 3);
});
