import { randomInt } from "node:crypto";
import { createServer } from "node:net";

// Below the ports that Linux (32768), macOS and Windows (49152) hand out to outgoing connections. A broker's port out of
// that range could be taken while the broker is down, even by a client that reconnects and so meets itself.
const first = 20_000;
const last = 31_999;

/** A TCP port of 127.0.0.1 that nobody listens on, and that no outgoing connection will take meanwhile. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(first, last + 1);
    if (await canListen(port)) return port;
  }
  throw new Error(`No free port between ${first} and ${last} on 127.0.0.1`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
