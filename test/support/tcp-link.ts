import type { Socket } from "node:net";

/** One connection through the proxy: the client's side and, as soon as bytes may flow, the server's. */
export interface TcpLink {
  /** Joins both sides; connects to the server when that has not happened yet. */
  flow(): void;
  /** Takes no more bytes from either side and hides the end of either; what is on its way is kept for `flow`. */
  swallow(): void;
  /** RST to both sides. */
  reset(): void;
  /** FIN to both sides, after the bytes already taken. */
  cut(): void;
}

export interface TcpLinkParts {
  /** Dials the server. */
  connect: () => Socket;
  /** Runs when both sides are gone. */
  onClosed: () => void;
  /** RST to both sides when the client sends this, in one piece. */
  resetAt: Buffer | undefined;
}

/** Links an accepted, paused client to a server. */
export function createTcpLink(client: Socket, { connect, onClosed, resetAt }: TcpLinkParts): TcpLink {
  const sides = [watch(client)];
  let joined = false;
  // A paused socket stays paused with a listener for its bytes.
  if (resetAt !== undefined) client.on("data", (bytes) => void (bytes.includes(resetAt) && reset()));

  function watch(side: Socket): Socket {
    // Whoever fails is followed by 'close', which passes the failure on.
    side.on("error", () => undefined);
    side.on("close", (failed: boolean) => {
      for (const other of sides) if (other !== side) endLike(other, failed);
      if (sides.every(({ destroyed }) => destroyed)) onClosed();
    });
    return side.setNoDelay(true);
  }

  function flow(): void {
    if (joined) return;
    joined = true;
    const server = sides[1] ?? watch(connect());
    sides[1] = server;
    client.pipe(server);
    server.pipe(client);
  }

  function swallow(): void {
    joined = false;
    for (const side of sides) side.unpipe().pause();
  }

  function reset(): void {
    for (const side of sides) side.resetAndDestroy();
  }

  return {
    flow,
    swallow,
    reset,
    cut: () => sides.forEach((side) => side.destroySoon()),
  };
}

function endLike(other: Socket, failed: boolean): void {
  if (other.destroyed) return;
  if (failed) other.resetAndDestroy();
  else other.destroySoon();
}
