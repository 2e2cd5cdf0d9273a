import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** One connection that carries one request at a time, as each of WeChat's does. */
export interface Lane {
  /** Sends a request; its answer goes to `onAnswer`. */
  send(request: Buffer): void;
  end(): void;
}

export interface LaneEvents {
  /** The whole body of an answer, and its status. */
  onAnswer: (lane: Lane, status: number, body: Buffer) => void;
  /** The connection ended or made no sense; no further answer comes. */
  onBroken: (lane: Lane, reason: string) => void;
}

const headEnd = Buffer.from("\r\n\r\n");
const STATUS_AT = "HTTP/1.1 ".length;

/** Connects to a port of 127.0.0.1; resolves when requests can be sent. Answers need a Content-Length. */
export async function openLane(port: number, { onAnswer, onBroken }: LaneEvents): Promise<Lane> {
  const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  let pending: Buffer | undefined;
  const lane: Lane = { send: (request) => void socket.write(request), end: () => socket.destroy() };
  socket.on("error", (error) => onBroken(lane, error.message));
  socket.on("end", () => onBroken(lane, "the server closed a connection"));
  socket.on("data", (chunk: Buffer) => {
    const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
    const head = bytes.indexOf(headEnd);
    const text = head < 0 ? "" : bytes.toString("latin1", 0, head);
    const length = /content-length: *(\d+)/i.exec(text)?.[1];
    if (head >= 0 && length === undefined) return onBroken(lane, "an answer has no Content-Length");
    const start = head + headEnd.length;
    if (head < 0 || bytes.length < start + Number(length)) return void (pending = bytes);
    pending = undefined;
    onAnswer(lane, Number(text.slice(STATUS_AT, STATUS_AT + 3)), bytes.subarray(start));
  });
  return lane;
}
