import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createBackend, type Backend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { createTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { createWechat, type Wechat } from "../support/wechat-server.ts";
import { startProcess, writeConfig, type BridgeProcess } from "./bridge-process.ts";
import { brokerUrl, createSystem } from "./system.ts";

const account = {
  token: "AAAAA",
  "app-id": "wxba5fad812f8e6fb9",
  "aes-key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
};

const text = (id: number, openid = "oUSER1"): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>${openid}</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>${id}</Content><MsgId>${id}</MsgId></xml>`;

interface Fixture {
  /** Between the gateway and the broker; the dispatcher has its own way. */
  proxy: TcpProxy;
  backend: Backend;
  dataDir: string;
  startGateway: () => Promise<BridgeProcess>;
}

/** A dispatcher in this process, and gateways as processes that reach the broker through a proxy. */
async function createFixture(t: Closing): Promise<Fixture> {
  const backend = await createBackend(t);
  const broker = new URL(brokerUrl());
  const proxy = await createTcpProxy(t, broker.hostname, Number(broker.port));
  const dataDir = await mkdtemp(join(tmpdir(), "wx-bridge-spool-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const services = [{ name: "account", "msg-proxy-pass": backend.url }];
  const { prefix } = await createSystem(t, { bus: "rabbitmq", services });
  const through = new URL(broker);
  through.port = String(proxy.port);
  const file = await writeConfig(t, {
    "listen-host": "127.0.0.1",
    "listen-port": 0,
    "internal-listen-port": 0,
    "dont-append-userinfo": true,
    "data-dir": dataDir,
    amqp: { url: through.href, prefix },
    services: [
      {
        name: "account",
        "wx-params": account,
        "listen-endpoints": { "service-path": "/wx" },
        "msg-proxy-pass": backend.url,
      },
    ],
  });
  return { proxy, backend, dataDir, startGateway: () => startProcess(t, "gateway", file) };
}

function wechatAt({ port }: BridgeProcess): Wechat {
  return createWechat({
    url: `http://127.0.0.1:${port}/wx`,
    token: account.token,
    appId: account["app-id"],
    aesKey: account["aes-key"],
  });
}

void test("with the broker away pushes go to disk, are answered success, and are published in order when it is back", async (t) => {
  const { proxy, backend, startGateway } = await createFixture(t);
  const wechat = wechatAt(await startGateway());
  assert.equal(parseReply((await wechat.push(text(1))).opened)["Content"], "ok");
  await proxy.refuse();
  proxy.reset();
  for (let id = 2; id <= 6; id++) {
    const answer = await wechat.push(text(id));
    assert.equal(answer.opened, "success");
    assert.ok(answer.ms < 4900, `answered after ${answer.ms} ms`);
  }
  await proxy.accept();
  const requests = await backend.next(6, 20_000);
  const contents = requests.map(({ json }) => (json as { Content: string }).Content);
  assert.deepEqual(contents.slice(1).toSorted(), ["2", "3", "4", "5", "6"]);
  assert.equal(requests.find(({ body }) => body.includes('"2"'))?.headers["x-wx-event-id"], "account/oUSER1/2");
});

void test("a silent broker does not cost the user's answer: the push is on disk inside the budget", async (t) => {
  const { proxy, backend, startGateway } = await createFixture(t);
  const wechat = wechatAt(await startGateway());
  proxy.swallow();
  const answer = await wechat.push(text(20));
  assert.equal(answer.opened, "success");
  assert.ok(answer.ms < 4900, `answered after ${answer.ms} ms`);
  proxy.flow();
  const [request] = await backend.next(1, 20_000);
  assert.equal(request?.headers["x-wx-event-id"], "account/oUSER1/20");
});

void test("a gateway killed with pushes on disk: the next one publishes them, also those of a folder left behind", async (t) => {
  const { proxy, backend, dataDir, startGateway } = await createFixture(t);
  const [first, second] = [await startGateway(), await startGateway()];
  assert.equal((await readdir(dataDir)).length, 2);
  await proxy.refuse();
  proxy.reset();
  assert.equal((await wechatAt(first).push(text(30, "oUSER30"))).opened, "success");
  assert.equal((await wechatAt(second).push(text(31, "oUSER31"))).opened, "success");
  await Promise.all([first.end("SIGKILL"), second.end("SIGKILL")]);
  await proxy.accept();
  const third = await startGateway();
  const requests = await backend.next(2, 20_000);
  const identities = requests.map(({ headers }) => headers["x-wx-event-id"]);
  assert.deepEqual(new Set(identities), new Set(["account/oUSER30/30", "account/oUSER31/31"]));
  assert.equal(await third.end("SIGTERM"), 0);
  assert.equal((await readdir(dataDir)).length, 1);
});

void test("a push that was published is not published again after a restart", async (t) => {
  const { backend, startGateway } = await createFixture(t);
  const first = await startGateway();
  assert.equal(parseReply((await wechatAt(first).push(text(40))).opened)["Content"], "ok");
  await first.end("SIGTERM");
  const again = await wechatAt(await startGateway()).push(text(40));
  assert.equal(again.opened, "success");
  assert.equal(backend.requests.length, 1);
});
