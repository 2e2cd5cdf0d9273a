import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createConnection } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { connect } from "amqplib";
import { createBackend, createHeldAnswer } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { onLoopback } from "../support/on-loopback.ts";
import { until } from "../support/until.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { createWechat, type Wechat } from "../support/wechat-server.ts";
import { startProcess, writeConfig, type BridgeProcess } from "./bridge-process.ts";
import { brokerUrl } from "./system.ts";

const token = "processToken";
const appId = "wx1111111111111111";
const aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

const text = (id: number): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>oUSER1</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>${id}</Content><MsgId>${id}</MsgId></xml>`;

async function configFile(t: Closing, backendUrl: string): Promise<{ file: string; prefix: string }> {
  const prefix = `p${randomBytes(6).toString("hex")}`;
  t.after(() => deletePrefix(prefix));
  const file = await writeConfig(t, {
    ...onLoopback,
    amqp: { url: brokerUrl(), prefix },
    services: [
      {
        name: "shop",
        workerNum: 5,
        timeout: 0,
        "wx-params": { token, "app-id": appId, "app-secret": "s", "aes-key": aesKey },
        "listen-endpoints": { "service-path": "/wx" },
        "msg-proxy-pass": backendUrl,
      },
    ],
  });
  return { file, prefix };
}

function wechatAt(port: number): Wechat {
  return createWechat({ url: `http://127.0.0.1:${port}/wx`, token, appId, aesKey });
}

async function saying({ lines }: BridgeProcess, message: string): Promise<void> {
  await until(() => lines.some(({ msg }) => msg === message), message);
}

async function deletePrefix(prefix: string): Promise<void> {
  const connection = await connect(brokerUrl());
  const channel = await connection.createChannel();
  const delays = ["1s", "10s", "1m", "10m", "1h", "6h", "24h"].map((delay) => `retry.${delay}`);
  for (const name of ["dispatch.shop", "dead", "unrouted", "late-replies", ...delays]) {
    await channel.deleteQueue(`${prefix}.${name}`);
  }
  const exchanges = ["events", "events.shop", "enriched", "enriched.shop", "replies", "late-replies", ...delays];
  for (const name of exchanges) await channel.deleteExchange(`${prefix}.${name}`);
  await connection.close();
}

void test("gateway and dispatcher as two processes answer, and SIGTERM drains what is in flight", async (t) => {
  const backend = await createBackend(t, { body: { type: "text", msg: "drained" }, delayMs: 700 });
  const { file } = await configFile(t, backend.url);
  const dispatcher = await startProcess(t, "dispatcher", file);
  const gateway = await startProcess(t, "gateway", file);
  const answering = wechatAt(gateway.port).push(text(1));
  await backend.next(1);
  const ended = Promise.all([gateway.end("SIGTERM"), dispatcher.end("SIGTERM")]);
  await saying(gateway, "draining");
  gateway.child.kill("SIGINT"); // as a terminal does beside npm
  await assert.rejects(wechatAt(gateway.port).push(text(100)), { code: "ECONNREFUSED" });
  const answer = await answering;
  assert.equal(parseReply(answer.opened)["Content"], "drained");
  assert.equal(answer.verified, true);
  assert.deepEqual(await ended, [0, 0]);
  for (const { lines } of [gateway, dispatcher]) assert.equal(lines.at(-1)?.msg, "stopped");
  assert.equal(gateway.lines.filter(({ msg }) => msg === "draining").length, 1);
});

void test("SIGTERM gives deliveries 8 s, then returns the rest to the next dispatcher, and ends with 0 inside 10 s", async (t) => {
  const backend = await createBackend(t, ({ json }) => {
    const { Content } = json as { Content: string };
    return Content === "200" ? { body: { type: "success" }, delayMs: 7000 } : "hang";
  });
  const { file } = await configFile(t, backend.url);
  const first = await startProcess(t, "dispatcher", file);
  const gateway = await startProcess(t, "gateway", file);
  const answering = Promise.all([200, 201].map((id) => wechatAt(gateway.port).push(text(id))));
  await backend.next(2);
  const startedAt = performance.now();
  assert.equal(await first.end("SIGTERM"), 0);
  const took = performance.now() - startedAt;
  assert.ok(took > 7900 && took < 10_000, `ended after ${took} ms`);
  backend.answer({ body: { type: "success" } });
  await startProcess(t, "dispatcher", file);
  const [again] = await backend.next(1);
  assert.equal(again?.headers["x-wx-event-id"], "shop/oUSER1/201");
  for (const { opened } of await answering) assert.equal(opened, "success");
  assert.equal(backend.requests.length, 3);
});

void test("what a push waited while the gateway stood still counts: it is answered inside 5 s all the same", async (t) => {
  const backend = await createBackend(t, "hang");
  const { file } = await configFile(t, backend.url);
  const gateway = await startProcess(t, "gateway", file);
  await startProcess(t, "dispatcher", file);
  gateway.child.kill("SIGSTOP");
  const answering = wechatAt(gateway.port).push(text(3));
  await sleep(1500);
  gateway.child.kill("SIGCONT");
  const { status, opened, ms } = await answering;
  assert.deepEqual([status, opened], [200, "success"]);
  assert.ok(ms > 4000 && ms < 5000, `answered after ${ms} ms`);
});

void test("one process that was stopped past the reply budget gives the backend's answer that came meanwhile to WeChat's next try", async (t) => {
  const { handler, release } = createHeldAnswer({ body: { type: "text", msg: "it came" } });
  const backend = await createBackend(t, handler);
  const service = {
    name: "shop",
    timeout: 0,
    "wx-params": { token, "app-id": appId, "app-secret": "s", "aes-key": aesKey },
    "listen-endpoints": { "service-path": "/wx" },
    "msg-proxy-pass": backend.url,
    "dont-append-userinfo": true,
    "reply-budget": "1s",
  };
  const bridge = await startProcess(t, "start", await writeConfig(t, { ...onLoopback, services: [service] }));
  const answering = wechatAt(bridge.port).push(text(4));
  await backend.next(1);
  bridge.child.kill("SIGSTOP");
  release();
  await sleep(1100);
  bridge.child.kill("SIGCONT");
  await answering;
  assert.equal(parseReply((await wechatAt(bridge.port).push(text(4))).opened)["Content"], "it came");
});

void test("a dispatcher killed during a delivery loses nothing: another one delivers it again", async (t) => {
  const backend = await createBackend(t, "hang");
  const { file } = await configFile(t, backend.url);
  const first = await startProcess(t, "dispatcher", file);
  const gateway = await startProcess(t, "gateway", file);
  const answering = wechatAt(gateway.port).push(text(2));
  const [before] = await backend.next(1);
  await first.end("SIGKILL");
  backend.answer({ body: { type: "success" } });
  await startProcess(t, "dispatcher", file);
  const [after] = await backend.next(1);
  assert.equal(after?.body, before?.body);
  assert.equal(after?.headers["x-wx-event-id"], before?.headers["x-wx-event-id"]);
  assert.equal((await answering).opened, "success");
});

void test("connections that never send a whole request do not hold up SIGTERM", async (t) => {
  const backend = await createBackend(t);
  const { file } = await configFile(t, backend.url);
  const gateway = await startProcess(t, "gateway", file);
  const starts = [
    "",
    "POST /wx HTTP/1.1\r\nHost: x\r\n",
    "POST /wx HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<xml>",
  ];
  for (const start of starts) {
    const socket = createConnection(gateway.port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.on("error", () => {}); // it is cut
    await once(socket, "connect");
    if (start !== "") await promisify((done: (error?: Error | null) => void) => socket.write(start, done))();
  }
  assert.equal(await gateway.end("SIGTERM"), 0);
  assert.equal(gateway.lines.at(-1)?.msg, "stopped");
});

void test("start with a dead broker serves and tells readiness; pushes are answered 503 in time", async (t) => {
  const backend = await createBackend(t);
  const file = await writeConfig(t, {
    ...onLoopback,
    amqp: { url: "amqp://user:hidden-password@127.0.0.1:1" },
    services: [
      {
        name: "shop",
        "wx-params": { token, "app-id": appId, "aes-key": aesKey },
        "listen-endpoints": { "service-path": "/wx" },
        "msg-proxy-pass": backend.url,
        "reply-budget": 600,
      },
    ],
  });
  const bridge = await startProcess(t, "start", file);
  const ready = await fetch(`http://127.0.0.1:${bridge.internalPort}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal((await fetch(`http://127.0.0.1:${bridge.internalPort}/healthz`)).status, 200);
  const answer = await wechatAt(bridge.port).push(text(3));
  assert.equal(answer.status, 503);
  assert.ok(answer.ms < 4000, `answered after ${answer.ms} ms`);
  assert.equal(await bridge.end("SIGTERM"), 0);
  assert.doesNotMatch(bridge.output(), /hidden-password|abcdefghijklmnop|processToken/);
});
