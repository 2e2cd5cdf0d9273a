import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { Server, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Whatever runs hooks at its end: a test's context, a suite's, or node:test itself. */
export interface Closing {
  after(close: () => Promise<void>): void;
}

/** An HTTP server on 127.0.0.1 that can be stopped and started again on the same port. */
export interface LoopbackServer {
  readonly port: number;
  readonly url: string;
  readonly connections: number;
  /** Listens again on the same port; nothing happens when it listens already. */
  start(): Promise<void>;
  /** Refuses connections from now on and ends those that are open. */
  stop(): Promise<void>;
}

/** Starts the server on a free port and stops it, connections and all, when the test ends. */
export async function createLoopbackServer(t: Closing, listener: RequestListener): Promise<LoopbackServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  const port = await listen(server, 0);
  const stop = () => closeServer(server, sockets);
  t.after(stop);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return sockets.size;
    },
    start: async () => void (server.listening || (await listen(server, port))),
    stop,
  };
}

/** Listens on loopback; a port that is still taken is tried again for 5 s, since others may have used it meanwhile. */
export async function listen(server: Server, port: number): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    try {
      const listening = once(server, "listening");
      server.listen(port, "127.0.0.1");
      await listening;
      return portOf(server);
    } catch (error) {
      if (port === 0 || tries >= 50) throw error;
      await sleep(100);
    }
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

async function closeServer(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close", { signal: AbortSignal.timeout(5000) });
  server.close();
  const ended = [...sockets].map((socket) => new Promise((resolve) => socket.destroy().once("close", resolve)));
  await Promise.all([closed, ...ended]);
}
