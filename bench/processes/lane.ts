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

/** Connects to a port of 127.0.0.1; resolves when requests can be sent. */
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
    const body = head < 0 ? undefined : bodyOf(text, bytes.subarray(head + headEnd.length));
    pending = body === undefined ? bytes : undefined;
    if (body !== undefined) onAnswer(lane, Number(text.slice(STATUS_AT, STATUS_AT + 3)), body);
  });
  return lane;
}

/** The body of an answer; undefined while it is not there whole. */
function bodyOf(head: string, rest: Buffer): Buffer | undefined {
  const length = /content-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) return joinChunks(rest);
  return rest.length < Number(length) ? undefined : rest;
}

/** `Transfer-Encoding: chunked`, without trailers. */
function joinChunks(bytes: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error("an answer has neither a Content-Length nor chunks");
    const start = lineEnd + 2;
    at = start + size + 2;
    if (bytes.length < at) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(start, start + size));
  }
}
