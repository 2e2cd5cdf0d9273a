import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { closed, startTarget } from "./target.ts";

const target = await startTarget({ after: (close) => after(close) });
const sockets = new Set<Socket>();
after(() => sockets.forEach((socket) => socket.destroy()));

function open(head: string): Socket {
  const socket = connect(target.port, "127.0.0.1");
  sockets.add(socket);
  socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  socket.resume().write(head);
  return socket;
}

/** Says one byte every so often until the other side has had enough; resolves to the milliseconds that took. */
async function dribble(head: string, byte: string): Promise<number> {
  const startedAt = performance.now();
  const socket = open(head);
  const timer = setInterval(() => socket.write(byte), 300);
  await closed(socket).finally(() => clearInterval(timer));
  return performance.now() - startedAt;
}

const post = (url: string, headers: string): string => `POST ${url} HTTP/1.1\r\nHost: x\r\n${headers}`;
const slow: Record<string, () => Promise<number>> = {
  "nothing at all": () => dribble("", ""),
  "a request line": () => dribble("GET /plain?signature=", "a"),
  headers: () => dribble(post("/plain", "A: "), "a"),
  "header after header": () => dribble(post("/plain", ""), "A: b\r\n"),
  "an unsigned body": () => dribble(post("/safe", "Content-Length: 1000\r\n\r\n"), "a"),
  "a signed body": () => dribble(post(target.signed("/plain"), "Content-Length: 1000\r\n\r\n<xml>"), "a"),
  chunks: () => dribble(post(target.signed("/plain"), "Transfer-Encoding: chunked\r\n\r\n"), "1\r\na\r\n"),
  "a second request": () => dribble(`GET /nope HTTP/1.1\r\nHost: x\r\n\r\nGET /n`, "a"),
};

test("whoever dribbles is cut off after 10 s; meanwhile nobody waits for them and 1000 idle connections", async () => {
  const endings = Object.entries(slow).map(async ([what, send]) => ({ what, ms: await send() }));
  const idle = Array.from({ length: 500 }, () => open(""));
  const silent = Array.from({ length: 500 }, () => open(post("/safe", "Content-Length: 9\r\n\r\n")));
  await sleep(1000);
  for (let i = 0; i < 5; i++) await target.assertWell();
  for (const { what, ms } of await Promise.all(endings)) {
    assert.ok(ms > 8000 && ms < 13_000, `${what}: cut off after ${ms} ms`);
  }
  await Promise.all([...idle, ...silent].map(closed));
  await target.assertWell();
});

test("bodies of strangers that never end take no memory", async () => {
  const before = await target.rss();
  const head = post("/safe?signature=x", `Content-Length: ${1024 * 1024}\r\n\r\n`);
  for (let i = 0; i < 300; i++) open(head + "a".repeat(1024 * 1024 - 1));
  await sleep(3000);
  const grown = (await target.rss()) - before;
  assert.ok(grown < 150 * 1024 * 1024, `${grown} bytes`);
  await target.assertWell();
});
