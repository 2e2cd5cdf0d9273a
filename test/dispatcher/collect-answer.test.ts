import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Agent } from "undici";
import { collectAnswer } from "../../dispatcher/collect-answer.ts";
import { createArrivals } from "../support/arrivals.ts";
import { createBackend } from "../support/backend-server.ts";
import { holdUp } from "../support/hold-up.ts";
import { listen } from "../support/loopback-server.ts";

const requestTo = (origin: string) => ({ origin, path: "/", method: "POST", body: "{}" }) as const;

test("given up before its connection was there, a request is never sent", async (t) => {
  const backend = await createBackend(t);
  const { promise: mayConnect, resolve: letConnect } = Promise.withResolvers<void>();
  const whenItMay = async (tell: () => void): Promise<void> => {
    await mayConnect;
    tell();
  };
  const agent = new Agent({
    connections: 1,
    connect(_options, callback) {
      const socket = connect(backend.port, "127.0.0.1", () => void whenItMay(() => callback(null, socket)));
    },
  });
  t.after(() => agent.destroy());
  await assert.rejects(collectAnswer(agent, requestTo(backend.url), 10, 100), { name: "TimeoutError" });
  letConnect();
  const { status } = await collectAnswer(agent, { ...requestTo(backend.url), path: "/next" }, 5000, 100);
  assert.equal(status, 200);
  assert.deepEqual(
    backend.requests.map(({ path }) => path),
    ["/next"],
  );
});

test("a kept connection that was reset before anything went out on it: the request goes out on another one", async (t) => {
  const sockets: Socket[] = [];
  let requests = 0;
  const server = createServer((_request, response) => void response.end(String(++requests)));
  server.on("connection", (socket) => void sockets.push(socket));
  const origin = `http://127.0.0.1:${await listen(server, 0)}`;
  const agent = new Agent();
  t.after(async () => {
    await agent.destroy();
    server.close();
  });
  const ask = () => collectAnswer(agent, requestTo(origin), 5000, 100);
  assert.equal((await ask()).text, "1");
  await nextTurn();
  sockets[0]?.resetAndDestroy();
  assert.equal((await ask()).text, "2");
  assert.equal(sockets.length, 2);
});

test("an answer that came in time counts though its time was over before this process could read it", async (t) => {
  const later = setTimeout;
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const server = createTcpServer((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      later(() => t.mock.timers.tick(5000), 1);
      holdUp(5); // so that timers come first, and only then what can be read
    });
  });
  const origin = `http://127.0.0.1:${await listen(server, 0)}`;
  const agent = new Agent();
  t.after(async () => {
    await agent.destroy();
    server.close();
  });
  const answer = await collectAnswer(agent, requestTo(origin), 5000, 100);
  assert.deepEqual(answer, { status: 200, location: undefined, text: "ok" });
});

test("an answer as long as it may be is read, and one byte more is none", async (t) => {
  const backend = await createBackend(t, { body: "x".repeat(100) });
  const agent = new Agent();
  t.after(() => agent.destroy());
  const ask = async (maxBytes: number) => (await collectAnswer(agent, requestTo(backend.url), 5000, maxBytes)).text;
  assert.deepEqual([await ask(100), await ask(99)], ["x".repeat(100), undefined]);
});

for (const [what, body, timeout] of [
  ["that is late", "", 50],
  ["that is too long", "x".repeat(1000), 5000],
] as const) {
  test(`an answer ${what} is not waited for any longer: its connection is ended`, async (t) => {
    const ended = createArrivals<void>("connections ended");
    const server = createServer((_request, response) => {
      response.on("close", () => ended.add());
      if (body !== "") response.write(body); // and never ends
    });
    const origin = `http://127.0.0.1:${await listen(server, 0)}`;
    const agent = new Agent();
    t.after(async () => {
      await agent.destroy();
      server.close();
    });
    const answering = collectAnswer(agent, requestTo(origin), timeout, 100);
    if (body === "") await assert.rejects(answering, { name: "TimeoutError" });
    else assert.deepEqual(await answering, { status: 200, location: undefined, text: undefined });
    await ended.next();
  });
}
