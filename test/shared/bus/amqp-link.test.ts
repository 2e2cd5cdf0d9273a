import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { setDefaultCACertificates } from "node:tls";
import { createLink } from "../../../shared/bus/amqp-link.ts";
import { createHttpsServer } from "../../support/https-server.ts";
import { createTcpProxy, type TcpProxy, type TcpProxyOptions } from "../../support/tcp-proxy.ts";
import { createTestLog } from "./test-log.ts";

const url = process.env["AMQP_URL"] ?? "amqp://127.0.0.1";
/** AMQP 0-9-1, 1.4.2.1: class 10, method 50, which only a client sends that takes leave. */
const connectionClose = Buffer.from([0, 10, 0, 50]);

test("a connection that comes when the link is closed already, and breaks while it takes leave, ends no process", async (t) => {
  const { proxy, url: proxied } = await createProxied(t, { resetAt: connectionClose });
  proxy.swallow();
  const opened = nextClientSocket(t);
  const link = await createLink({ urls: [proxied], tls: undefined }, "late", createTestLog().log);
  const socket = await opened;
  const gone = new Promise((resolve) => socket.once("close", resolve));
  await link.close(1000);
  proxy.flow();
  const wasReset = await gone;
  assert.equal(wasReset, true);
});

test("a connection that is lost comes back at the next of the brokers' addresses", async (t) => {
  const first = await createProxied(t);
  const second = await createProxied(t);
  const { log, lines } = createTestLog();
  const link = await createLink({ urls: [first.url, second.url], tls: undefined }, "in turn", log);
  t.after(() => link.close(1000));
  for (const { proxy } of [first, second, first]) {
    const [line] = await lines.next(1);
    assert.deepEqual([line?.msg, line?.["broker"]], ["broker connected", `127.0.0.1:${proxy.port}`]);
    proxy.reset();
    const [lost] = await lines.next(1);
    assert.equal(lost?.msg, "broker connection lost");
  }
});

test("what is published in one go leaves in one write", async (t) => {
  const opened = nextClientSocket(t);
  const link = await createLink({ urls: [url], tls: undefined }, "together", createTestLog().log);
  t.after(() => link.close(1000));
  const writes = countWrites(await opened);
  await link.isUp();
  const channel = await link.model.createChannel();
  const before = writes();
  for (let i = 0; i < 10; i++) channel.publish("amq.topic", "nobody.wants.it", Buffer.from(`message ${i}`));
  await channel.checkExchange("amq.topic");
  assert.equal(writes() - before, 1);
});

test("certificates that are not taken, by this side or by the broker: the log says whose, and what to do", async (t) => {
  const { url: https } = await createHttpsServer(t, (_request, response) => response.end());
  setDefaultCACertificates([]); // not even that one
  const says = async (port: string | number): Promise<string> => {
    const { log, lines } = createTestLog();
    const link = await createLink({ urls: [`amqps://localhost:${port}`], tls: undefined }, "mistrust", log);
    t.after(() => link.close(1000));
    const [line] = await lines.next(1);
    return String(line?.["reason"]);
  };
  assert.match(await says(new URL(https).port), /broker's certificate \(self-signed.*amqp\.tls\.ca/);
  // RFC 8446, 6.2: certificate_required, unknown_ca, and certificate_expired, which a renewed one on disk does not mend.
  const alerted = async (code: number): Promise<string> => {
    const alert = Buffer.from([21, 3, 3, 0, 2, 2, code]);
    const server = createTcpServer((socket) => socket.once("data", () => socket.end(alert)).on("error", () => {}));
    t.after(() => server.close());
    await once(server.listen(0, "127.0.0.1"), "listening");
    return says((server.address() as AddressInfo).port);
  };
  for (const [code, words] of [
    [116, "certificate required"],
    [48, "unknown ca"],
    [45, "certificate expired"],
  ] as const) {
    assert.match(
      await alerted(code),
      new RegExp(`this process's certificate.* \\(${words}\\).*amqp\\.tls\\.cert .*start again$`),
    );
  }
  // handshake_failure is all that a broker with TLS 1.2 says where it misses a certificate.
  assert.match(await alerted(40), /^the broker refuses .* wants a certificate of this process \(amqp\.tls\.cert and/);
});

test("a broker that cannot be reached as written: the log says why and what to do", async (t) => {
  const web = createServer().listen(0, "127.0.0.1");
  t.after(() => web.close());
  // As RabbitMQ's port with TLS does, either way.
  const closing = createTcpServer((socket) => socket.on("data", () => socket.end()).on("error", () => {}));
  const resetting = createTcpServer((socket) => socket.on("data", () => socket.resetAndDestroy()));
  for (const server of [closing, resetting]) {
    server.listen(0, "127.0.0.1");
    t.after(() => server.close());
  }
  await Promise.all([web, closing, resetting].map((server) => once(server, "listening")));
  const withVhost = (written: string): string => Object.assign(new URL(url), { pathname: written }).href;
  const wrong: [address: string, words: RegExp][] = [
    [withVhost("/%252F"), /refuses the virtual host "%2F": /], // not "/", which is there
    [withVhost("/no%2Fsuch"), /refuses the virtual host "no\/such": .*more connections.*AMQP_URL/],
    [url.replace("amqp:", "amqps:"), /does not speak amqps: set AMQP_URL/],
    [`amqp://127.0.0.1:${(web.address() as AddressInfo).port}`, /does not speak amqp: set AMQP_URL/],
    ...[closing, resetting].map((server): [string, RegExp] => [
      `amqp://127.0.0.1:${(server.address() as AddressInfo).port}`,
      /closed the connection .*amqps in AMQP_URL/,
    ]),
  ];
  for (const [address, words] of wrong) {
    const { log, lines } = createTestLog();
    const link = await createLink({ urls: [address], tls: undefined }, "wrong", log);
    t.after(() => link.close(1000));
    const [line] = await lines.next(1);
    assert.match(String(line?.["reason"]), words);
  }
});

/** The broker at another address. */
async function createProxied(t: TestContext, options?: TcpProxyOptions): Promise<{ proxy: TcpProxy; url: string }> {
  const { hostname, port } = new URL(url);
  const proxy = await createTcpProxy(t, hostname, Number(port) || 5672, options);
  const proxied = new URL(url);
  proxied.host = `127.0.0.1:${proxy.port}`;
  return { proxy, url: proxied.href };
}

/** Tells how often the socket has handed something to the kernel. */
function countWrites(socket: Socket): () => number {
  let count = 0;
  for (const name of ["_write", "_writev"] as const) {
    const hand = socket[name]?.bind(socket) as (...args: unknown[]) => void;
    socket[name] = (...args: unknown[]) => {
      count++;
      hand(...args);
    };
  }
  return () => count;
}

function nextClientSocket(t: TestContext): Promise<Socket> {
  return new Promise((resolve) => {
    const take = (message: unknown): void => resolve((message as { socket: Socket }).socket);
    subscribe("net.client.socket", take);
    t.after(() => unsubscribe("net.client.socket", take));
  });
}
