import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { listen, type Closing } from "./loopback-server.ts";
import { createTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { until } from "./until.ts";

const soon = () => ({ signal: AbortSignal.timeout(3000) });

async function createEcho(t: Closing): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
    socket.pipe(socket);
  });
  const port = await listen(server, 0);
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port, sockets };
}

async function dial(t: Closing, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  t.after(async () => void socket.destroy());
  await once(socket, "connect", soon());
  return socket;
}

async function echoes(socket: Socket, text: string): Promise<void> {
  const answered = once(socket, "data", soon());
  socket.write(text);
  assert.equal(String((await answered)[0]), text);
}

async function untilConnections(proxy: TcpProxy, count: number): Promise<void> {
  await until(() => proxy.connections === count, `${count} connections`);
}

test("carries bytes and the end of either side", async (t) => {
  const echo = await createEcho(t);
  const proxy = await createTcpProxy(t, "127.0.0.1", echo.port);
  const socket = await dial(t, proxy.port);
  await echoes(socket, "hello");
  assert.deepEqual([proxy.connections, proxy.accepted], [1, 1]);
  const closed = once(socket, "close", soon());
  socket.end();
  assert.deepEqual(await closed, [false]);
  await untilConnections(proxy, 0);
  assert.equal(proxy.accepted, 1);
});

test("reset sends RST to both sides and accepts anew", async (t) => {
  const echo = await createEcho(t);
  const proxy = await createTcpProxy(t, "127.0.0.1", echo.port);
  const socket = await dial(t, proxy.port);
  await echoes(socket, "hello");
  const server = echo.sockets[0] ?? assert.fail();
  const failed = [server, socket].map((side) => assert.rejects(once(side, "end", soon()), { code: "ECONNRESET" }));
  proxy.reset();
  assert.equal(proxy.connections, 0);
  await Promise.all(failed);
  await echoes(await dial(t, proxy.port), "again");
  assert.equal(proxy.accepted, 2);
});

test("resets a connection whose client sends what it is to be reset at", async (t) => {
  const echo = await createEcho(t);
  const proxy = await createTcpProxy(t, "127.0.0.1", echo.port, { resetAt: Buffer.from("now") });
  const socket = await dial(t, proxy.port);
  await echoes(socket, "not yet");
  const failed = assert.rejects(once(socket, "end", soon()), { code: "ECONNRESET" });
  socket.write("and now");
  await failed;
  await untilConnections(proxy, 0);
});

test("cut ends connections in order, without an error", async (t) => {
  const echo = await createEcho(t);
  const proxy = await createTcpProxy(t, "127.0.0.1", echo.port);
  const socket = await dial(t, proxy.port);
  await echoes(socket, "hello");
  const ended = once(socket, "end", soon());
  const closed = once(echo.sockets[0] ?? assert.fail(), "close", soon());
  proxy.cut();
  await ended;
  assert.deepEqual(await closed, [false]);
  await untilConnections(proxy, 0);
});

test("refuses new connections while old ones go on, and accepts on the same port", async (t) => {
  const echo = await createEcho(t);
  const proxy = await createTcpProxy(t, "127.0.0.1", echo.port);
  const socket = await dial(t, proxy.port);
  await echoes(socket, "before");
  await proxy.refuse();
  await assert.rejects(dial(t, proxy.port), { code: "ECONNREFUSED" });
  await echoes(socket, "meanwhile");
  await proxy.accept();
  await echoes(await dial(t, proxy.port), "after");
  assert.deepEqual([proxy.connections, proxy.accepted], [2, 2]);
});

test("swallows bytes and ends of both sides while connections stay, then lets them flow", async (t) => {
  const echo = await createEcho(t);
  const proxy = await createTcpProxy(t, "127.0.0.1", echo.port);
  const socket = await dial(t, proxy.port);
  await echoes(socket, "before");
  proxy.swallow();
  const late = await dial(t, proxy.port);
  const answered = Promise.all([once(socket, "data", soon()), once(late, "data", soon())]);
  socket.write("held");
  late.write("held too");
  const first = await Promise.race([answered, sleep(100, "silence")]);
  assert.equal(first, "silence");
  assert.deepEqual([proxy.connections, echo.sockets.length], [2, 1]);
  proxy.flow();
  assert.deepEqual((await answered).map(String), ["held", "held too"]);
  proxy.flow();
  await echoes(socket, "once");
});

test("a server that is not there resets the client", async (t) => {
  const echo = await createEcho(t);
  const proxy = await createTcpProxy(t, "127.0.0.1", echo.port);
  const gone = await createTcpProxy(t, "127.0.0.1", proxy.port);
  await proxy.refuse();
  const socket = await dial(t, gone.port);
  await assert.rejects(once(socket, "end", soon()), { code: "ECONNRESET" });
});
