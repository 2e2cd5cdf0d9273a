import { connect, createServer, type Socket } from "node:net";
import { listen, type Closing } from "./loopback-server.ts";
import { createTcpLink, type TcpLink } from "./tcp-link.ts";

/** A network whose faults are made by the test. The faults are independent: a refusing proxy still carries its links. */
export interface TcpProxy {
  readonly port: number;
  /** Connections open now, on either side. */
  readonly connections: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** RST on every connection, both sides; new ones are accepted as before. */
  reset(): void;
  /** FIN on every connection, both sides; new ones are accepted as before. */
  cut(): void;
  /** New connections get ECONNREFUSED; those that are open stay. */
  refuse(): Promise<void>;
  /** Undoes `refuse`, on the same port. */
  accept(): Promise<void>;
  /**
   * A black hole: no byte, no end and no RST passes in either direction; connections stay, and new ones are accepted and
   * reach nobody. Senders fill their buffers as they would when the other side acknowledged nothing.
   */
  swallow(): void;
  /** Undoes `swallow`; what was held back arrives, whole and in order, as TCP would have it. */
  flow(): void;
}

export interface TcpProxyOptions {
  /** RST on a connection, both sides, when its client sends this, in one piece. */
  resetAt?: Buffer;
}

/** Starts a proxy on a free loopback port; at the test's end it stops listening and resets what is open. */
export async function createTcpProxy(
  t: Closing,
  targetHost: string,
  targetPort: number,
  { resetAt }: TcpProxyOptions = {},
): Promise<TcpProxy> {
  const links = new Set<TcpLink>();
  let accepted = 0;
  let flowing = true;

  const dial = () => connect({ host: targetHost, port: targetPort, allowHalfOpen: true });

  function onConnection(client: Socket): void {
    accepted += 1;
    const link = createTcpLink(client, { connect: dial, onClosed: () => links.delete(link), resetAt });
    links.add(link);
    if (flowing) link.flow();
  }

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, onConnection);
  server.on("error", () => undefined);
  const port = await listen(server, 0);

  function each(act: (link: TcpLink) => void): void {
    for (const link of links) act(link);
  }
  const refuse = async () => void (server.listening && server.close());
  const reset = () => {
    each((link) => link.reset());
    links.clear();
  };
  t.after(async () => {
    await refuse();
    reset();
  });
  return {
    port,
    get connections() {
      return links.size;
    },
    get accepted() {
      return accepted;
    },
    reset,
    cut: () => each((link) => link.cut()),
    refuse,
    accept: async () => void (server.listening || (await listen(server, port))),
    swallow: () => {
      flowing = false;
      each((link) => link.swallow());
    },
    flow: () => {
      flowing = true;
      each((link) => link.flow());
    },
  };
}
