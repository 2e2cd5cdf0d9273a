import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { connect, createServer, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { createLink } from "../../../shared/bus/amqp-link.ts";
import { listen } from "../../support/loopback-server.ts";
import { createTestLog } from "./test-log.ts";

/** AMQP 0-9-1, 1.4.2.1: class 10, method 50, which only a client sends that takes leave. */
const connectionClose = Buffer.from([0, 10, 0, 50]);

test("a connection that comes when the link is closed already, and breaks while it takes leave, ends no process", async (t) => {
  const url = new URL(process.env["AMQP_URL"] ?? "amqp://127.0.0.1");
  const relay = await startRelay(t, Number(url.port) || 5672);
  url.port = String(relay.port);
  const opened = nextClientSocket(t);
  const link = await createLink({ urls: [url.href], tls: undefined }, "late", createTestLog().log);
  const socket = await opened;
  const gone = new Promise((resolve) => socket.once("close", resolve));
  await link.close(1000);
  relay.flow();
  await gone;
  assert.equal(relay.hasReset, true);
});

/** Passes on what a client says once it is told to, and resets the connection when the client takes leave. */
async function startRelay(t: TestContext, brokerPort: number) {
  const { promise: flowing, resolve: flow } = Promise.withResolvers<void>();
  let hasReset = false;
  const relay = (client: Socket): void => {
    const broker = connect(brokerPort, "127.0.0.1");
    for (const side of [client, broker]) side.on("error", () => {});
    broker.pipe(client);
    client.on("data", (bytes: Buffer) => {
      if (bytes.includes(connectionClose)) {
        hasReset = true;
        client.resetAndDestroy();
        broker.destroy();
      } else broker.write(bytes);
    });
  };
  const server = createServer((client) => void flowing.then(() => relay(client)));
  const port = await listen(server, 0);
  t.after(() => server.close());
  return {
    port,
    flow,
    get hasReset() {
      return hasReset;
    },
  };
}

function nextClientSocket(t: TestContext): Promise<Socket> {
  return new Promise((resolve) => {
    const take = (message: unknown): void => resolve((message as { socket: Socket }).socket);
    subscribe("net.client.socket", take);
    t.after(() => unsubscribe("net.client.socket", take));
  });
}
