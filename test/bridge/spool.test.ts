import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { connect, type ConsumeMessage } from "amqplib";
import type { Role } from "../../cli/run.ts";
import { createArrivals, type Arrivals } from "../support/arrivals.ts";
import { createBackend, type Backend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { onLoopback } from "../support/on-loopback.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { createWechat, type Wechat } from "../support/wechat-server.ts";
import { startProcess, writeConfig, type BridgeProcess } from "./bridge-process.ts";
import { brokerUrl, createProxiedBroker, createSystem } from "./system.ts";

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
  /** Identities of what is published from now on, in that order. */
  tap: () => Promise<Arrivals<string>>;
  startGateway: (largestFile?: number) => Promise<BridgeProcess>;
  /** A gateway and a dispatcher in one process. */
  startBoth: () => Promise<BridgeProcess>;
  /** Every name on the broker begins with it. */
  prefix: string;
}

/** A dispatcher in this process (or none), and gateways as processes that reach the broker through a proxy. */
async function createFixture(
  t: Closing,
  { roles = ["dispatcher", "gateway"] }: { roles?: Role[] } = {},
): Promise<Fixture> {
  const backend = await createBackend(t);
  const { url, proxy } = await createProxiedBroker(t);
  const dataDir = createTemporaryFolder(t);
  const services = [{ name: "account", "msg-proxy-pass": backend.url }];
  const { prefix } = await createSystem(t, { bus: "rabbitmq", services, roles });
  const file = await writeConfig(t, {
    ...onLoopback,
    "data-dir": dataDir,
    amqp: { url, prefix },
    services: [
      {
        name: "account",
        "wx-params": account,
        "listen-endpoints": { "service-path": "/wx" },
        "msg-proxy-pass": backend.url,
      },
    ],
  });
  return {
    proxy,
    backend,
    dataDir,
    tap: () => tap(t, `${prefix}.events`),
    startGateway: (largestFile) => startProcess(t, "gateway", file, {}, largestFile),
    startBoth: () => startProcess(t, "start", file),
    prefix,
  };
}

async function tap(t: Closing, exchange: string): Promise<Arrivals<string>> {
  const connection = await connect(brokerUrl());
  t.after(() => connection.close());
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, exchange, "#");
  const identities = createArrivals<string>(`messages of ${exchange}`);
  const take = (message: ConsumeMessage | null): void =>
    void (message && identities.add(message.properties.messageId as string));
  await channel.consume(queue, take, { noAck: true });
  return identities;
}

/** Resolves when `/readyz` says so: what waits on disk is then published within a second. */
function untilReady({ internalPort }: BridgeProcess): Promise<void> {
  return until(async () => (await fetch(`http://127.0.0.1:${internalPort}/readyz`)).ok, "ready");
}

async function metricsOf({ internalPort }: BridgeProcess): Promise<string> {
  return (await fetch(`http://127.0.0.1:${internalPort}/metrics`)).text();
}

function untilMetric(gateway: BridgeProcess, line: string): Promise<void> {
  return until(async () => (await metricsOf(gateway)).includes(`\n${line}\n`), line);
}

async function cutOff(proxy: TcpProxy): Promise<void> {
  await proxy.refuse();
  proxy.reset();
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

function wechatAt({ port }: BridgeProcess): Wechat {
  return createWechat({
    url: `http://127.0.0.1:${port}/wx`,
    token: account.token,
    appId: account["app-id"],
    aesKey: account["aes-key"],
  });
}

void test("with the broker away pushes go to disk, are answered success, and are published in order when it is back", async (t) => {
  const { proxy, backend, tap, startGateway } = await createFixture(t);
  const gateway = await startGateway();
  const wechat = wechatAt(gateway);
  assert.equal(parseReply((await wechat.push(text(1))).opened)["Content"], "ok");
  const published = await tap();
  await cutOff(proxy);
  const ids = range(100, 20);
  for (const id of ids) {
    const answer = await wechat.push(text(id));
    assert.equal(answer.opened, "success");
    assert.ok(answer.ms < 4000, `answered after ${answer.ms} ms`);
  }
  await proxy.accept();
  assert.deepEqual(
    await published.next(20, 20_000),
    ids.map((id) => `account/oUSER1/${id}`),
  );
  const [, ...requests] = await backend.next(21);
  const delivered = new Map(requests.map(({ headers, json }) => [headers["x-wx-event-id"], json]));
  assert.equal(delivered.size, ids.length);
  for (const id of ids) {
    assert.equal((delivered.get(`account/oUSER1/${id}`) as { Content?: string } | undefined)?.Content, String(id));
  }
});

void test("while a long spool is published, live pushes of others get their replies, and those of its users go behind", async (t) => {
  const { proxy, tap, startGateway } = await createFixture(t);
  const gateway = await startGateway();
  const wechat = wechatAt(gateway);
  const published = await tap();
  await cutOff(proxy);
  const users = ["oSPOOLED0", "oSPOOLED1", "oSPOOLED2"];
  const spooled = range(0, 300).map((i) => text(3000 + i, users[i % 3]));
  for (const { opened } of await Promise.all(spooled.map((push) => wechat.push(push)))) assert.equal(opened, "success");
  await proxy.accept();
  await untilReady(gateway);
  const behind = users.map((user, i) => wechat.push(text(4000 + i, user)));
  const live = await Promise.all(range(5000, 20).map((id) => wechat.push(text(id, `oLIVE${id}`))));
  for (const { opened } of live) assert.equal(parseReply(opened)["Content"], "ok");
  await Promise.all(behind);
  const identities = await published.next(323, 20_000);
  assert.equal(new Set(identities).size, 323);
  for (const [i, user] of users.entries()) {
    const own = identities.filter((identity) => identity.startsWith(`account/${user}/`));
    assert.deepEqual([own.length, own.at(-1)], [101, `account/${user}/${4000 + i}`]);
  }
});

void test("a silent broker does not cost the user's answer: the push is on disk inside the budget", async (t) => {
  const { proxy, backend, startGateway } = await createFixture(t);
  const gateway = await startGateway();
  await untilReady(gateway);
  proxy.swallow();
  const answer = await wechatAt(gateway).push(text(20));
  assert.equal(answer.opened, "success");
  assert.ok(answer.ms > 4000 && answer.ms < 5000, `answered after ${answer.ms} ms`);
  proxy.flow();
  const [request] = await backend.next(1, 20_000);
  assert.equal(request?.headers["x-wx-event-id"], "account/oUSER1/20");
});

for (const role of ["gateway", "start"] as const) {
  void test(`${role}, SIGTERM while a silent broker is asked to take what is on disk: in flight is answered, ended with 0 in time, nothing lost`, async (t) => {
    const isAlone = role === "gateway";
    const fixture = await createFixture(t, { roles: isAlone ? ["dispatcher", "gateway"] : ["gateway"] });
    const { proxy, backend } = fixture;
    const start = isAlone ? () => fixture.startGateway() : fixture.startBoth;
    const bridge = await start();
    await untilReady(bridge);
    proxy.swallow();
    assert.equal((await wechatAt(bridge).push(text(30))).opened, "success");
    const answering = wechatAt(bridge).push(text(31, "oOTHER"));
    await untilMetric(bridge, "wx_in_flight 1");
    assert.equal(await bridge.end("SIGTERM"), 0);
    assert.equal((await answering).opened, "success");
    proxy.flow();
    await start();
    await until(
      () => new Set(backend.requests.map(({ headers }) => headers["x-wx-event-id"])).size === 2,
      "both have come",
    );
  });
}

void test("on a disk that takes no more: 503 and counted; what was answered success is published, once each", async (t) => {
  const { proxy, backend, startGateway } = await createFixture(t);
  const gateway = await startGateway(512);
  const wechat = wechatAt(gateway);
  await cutOff(proxy);
  const answers = new Map<string, number>();
  for (let id = 5000; ![...answers.values()].includes(503); id += 10) {
    assert.ok(id < 6000, "a thousand pushes fit into 256 KiB");
    const push = async (each: number): Promise<void> => {
      const { status, opened, ms } = await wechat.push(text(each));
      assert.ok(ms < 5000, `answered after ${ms} ms`);
      assert.equal(opened, status === 200 ? "success" : "the spool cannot be written\n");
      answers.set(`account/oUSER1/${each}`, status);
    };
    await Promise.all(range(id, 10).map(push));
  }
  const held = [...answers].flatMap(([identity, status]) => (status === 200 ? [identity] : []));
  const metrics = await metricsOf(gateway);
  assert.match(metrics, new RegExp(`wx_spool_total\\{service="account",outcome="spooled"\\} ${held.length}\n`));
  assert.match(
    metrics,
    new RegExp(`wx_spool_total\\{service="account",outcome="refused"\\} ${answers.size - held.length}\n`),
  );
  await proxy.accept();
  const requests = await backend.next(held.length, 20_000);
  assert.deepEqual(new Set(requests.map(({ headers }) => headers["x-wx-event-id"])), new Set(held));
  await untilMetric(gateway, "wx_spool_messages 0");
  const told = (): number => gateway.lines.filter(({ msg }) => msg.includes("cannot be deleted")).length;
  const before = told();
  await until(() => told() >= before + 2, "two more tries to delete");
  assert.equal(parseReply((await wechat.push(text(7000, "oOTHER"))).opened)["Content"], "ok");
  assert.equal(backend.requests.length, held.length + 1);
});

void test("a consumer that cannot consume keeps nothing on disk: pushes are published, though the process is not ready", async (t) => {
  const { proxy, startBoth, prefix } = await createFixture(t, { roles: ["gateway"] });
  const both = await startBoth();
  await cutOff(proxy);
  assert.equal((await wechatAt(both).push(text(60))).opened, "success");
  const connection = await connect(brokerUrl());
  t.after(() => connection.close());
  const channel = await connection.createChannel();
  const delivered = createArrivals<string>("deliveries");
  const take = (message: ConsumeMessage | null): void =>
    void (message && delivered.add(message.properties.messageId as string));
  // Somebody else's queue of the same name, and theirs alone: the process can neither declare nor consume it.
  const queue = `${prefix}.dispatch.account`;
  await channel.deleteQueue(queue);
  await channel.assertQueue(queue);
  await channel.bindQueue(queue, `${prefix}.events.account`, "#");
  await channel.consume(queue, take, { noAck: true, exclusive: true });
  await proxy.accept();
  assert.deepEqual(await delivered.next(1, 20_000), ["account/oUSER1/60"]);
  await untilMetric(both, "wx_spool_messages 0");
  assert.equal((await wechatAt(both).push(text(61))).opened, "success");
  assert.deepEqual(await delivered.next(), ["account/oUSER1/61"]);
  assert.match(await metricsOf(both), /wx_spool_total\{service="account",outcome="spooled"\} 1\n/);
  assert.equal((await fetch(`http://127.0.0.1:${both.internalPort}/readyz`)).status, 503);
});

void test("a gateway killed with pushes on disk: the next one publishes them below its prefix, also those of a folder left behind", async (t) => {
  const { proxy, backend, dataDir, startGateway } = await createFixture(t, { roles: ["gateway"] });
  const [first, second] = [await startGateway(), await startGateway()];
  assert.equal((await readdir(dataDir)).length, 2);
  await cutOff(proxy);
  assert.equal((await wechatAt(first).push(text(30, "oUSER30"))).opened, "success");
  assert.equal((await wechatAt(second).push(text(31, "oUSER31"))).opened, "success");
  await Promise.all([first.end("SIGKILL"), second.end("SIGKILL")]);
  await createSystem(t, {
    bus: "rabbitmq",
    services: [{ name: "account", "msg-proxy-pass": backend.url }],
    settings: { "data-dir": dataDir },
  });
  const requests = await backend.next(2, 20_000);
  const identities = requests.map(({ headers }) => headers["x-wx-event-id"]);
  assert.deepEqual(new Set(identities), new Set(["account/oUSER30/30", "account/oUSER31/31"]));
  await until(async () => (await readdir(dataDir)).length === 1, "the folder left behind is gone");
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
