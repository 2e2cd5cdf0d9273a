import assert from "node:assert/strict";
import { test } from "node:test";
import { createBackend, type Backend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { onLoopback } from "../support/on-loopback.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { createWechat, type PushAnswer } from "../support/wechat-server.ts";
import { startProcess, writeConfig, type BridgeProcess } from "./bridge-process.ts";

const text = (id: number): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>oUSER1</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>${id}</Content><MsgId>${id}</MsgId></xml>`;

/** An all-in-one bridge on the in-process bus with a data-dir that outlives its processes. */
async function createFixture(
  t: Closing,
  backend: Backend,
): Promise<(largestFile?: number, retry?: string[]) => Promise<BridgeProcess>> {
  const dataDir = createTemporaryFolder(t);
  const config = (retry: string[]) => ({
    ...onLoopback,
    "data-dir": dataDir,
    services: [
      {
        name: "account",
        "wx-params": { token: "AAAAA", "app-id": "wx1" },
        "listen-endpoints": { "service-path": "/wx" },
        "msg-proxy-pass": backend.url,
        "reply-budget": 600,
        retry,
      },
    ],
  });
  return async (largestFile, retry = ["2s", "3s"]) =>
    startProcess(t, "start", await writeConfig(t, config(retry)), {}, largestFile);
}

async function push(bridge: BridgeProcess, id: number): Promise<string> {
  return (await answerTo(bridge, id)).opened;
}

function answerTo({ port }: BridgeProcess, id: number): Promise<PushAnswer> {
  return createWechat({ url: `http://127.0.0.1:${port}/wx`, token: "AAAAA", appId: "wx1" }).push(text(id));
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

void test("in-process with data-dir: a retry comes when its wait is over, though that wait is in `retry` no more", async (t) => {
  const backend = await createBackend(t, "reset");
  const start = await createFixture(t, backend);
  const first = await start();
  assert.equal(await push(first, 4), "success");
  await backend.next(1);
  assert.equal(await first.end("SIGTERM"), 0);
  backend.answer({ body: { type: "success" } });
  await start(undefined, []);
  const [retried] = await backend.next(1, 10_000);
  assert.equal(retried?.headers["x-wx-event-id"], "account/oUSER1/4");
  assert.equal(retried?.headers["x-wx-attempt"], "2");
});

void test("in-process on a disk that takes no more: 503 and not delivered, and what was answered success survives kill -9", async (t) => {
  const backend = await createBackend(t, "hang");
  const start = await createFixture(t, backend);
  const first = await start(512);
  const statuses = new Map<string, number>();
  for (let id = 1000; ![...statuses.values()].includes(503); id += 50) {
    assert.ok(id < 2000, "a thousand pushes fit into 256 KiB");
    const pushOne = async (each: number): Promise<void> => {
      const { status, ms } = await answerTo(first, each);
      assert.ok(ms < 5000, `answered after ${ms} ms`);
      statuses.set(`account/oUSER1/${each}`, status);
    };
    await Promise.all(Array.from({ length: 50 }, (_, i) => pushOne(id + i)));
  }
  const metrics = await (await fetch(`http://127.0.0.1:${first.internalPort}/metrics`)).text();
  assert.match(metrics, /wx_spool_total\{service="account",outcome="refused"\} \d+\n/);
  await first.end("SIGKILL");
  for (const { headers } of backend.requests) assert.equal(statuses.get(String(headers["x-wx-event-id"])), 200);
  const before = backend.requests.length;
  backend.answer({ body: { type: "success" } });
  await start();
  const held = [...statuses].flatMap(([identity, status]) => (status === 200 ? [identity] : []));
  assert.ok(held.length > 0);
  const isBack = (identity: string): boolean =>
    backend.requests.slice(before).some(({ headers }) => headers["x-wx-event-id"] === identity);
  while (!held.every(isBack)) await backend.next(1, 10_000);
});
