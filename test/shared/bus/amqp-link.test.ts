import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { createLink } from "../../../shared/bus/amqp-link.ts";
import { createTcpProxy } from "../../support/tcp-proxy.ts";
import { createTestLog } from "./test-log.ts";

/** AMQP 0-9-1, 1.4.2.1: class 10, method 50, which only a client sends that takes leave. */
const connectionClose = Buffer.from([0, 10, 0, 50]);

test("a connection that comes when the link is closed already, and breaks while it takes leave, ends no process", async (t) => {
  const url = new URL(process.env["AMQP_URL"] ?? "amqp://127.0.0.1");
  const proxy = await createTcpProxy(t, url.hostname, Number(url.port) || 5672, { resetAt: connectionClose });
  proxy.swallow();
  url.port = String(proxy.port);
  const opened = nextClientSocket(t);
  const link = await createLink({ urls: [url.href], tls: undefined }, "late", createTestLog().log);
  const socket = await opened;
  const gone = new Promise((resolve) => socket.once("close", resolve));
  await link.close(1000);
  proxy.flow();
  const wasReset = await gone;
  assert.equal(wasReset, true);
});

function nextClientSocket(t: TestContext): Promise<Socket> {
  return new Promise((resolve) => {
    const take = (message: unknown): void => resolve((message as { socket: Socket }).socket);
    subscribe("net.client.socket", take);
    t.after(() => unsubscribe("net.client.socket", take));
  });
}
