/**
 * An HTTP backend that answers every POST with a text that holds the push's MsgId: at once, or as many ms later as the
 * parent last asked for. It tells how many requests it has taken. It speaks just enough HTTP over bare sockets, so that
 * the machine's time goes to what is measured.
 */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { serveParent } from "./parent.ts";
import { answerTo } from "./thanks.ts";

let delay = 0;
const headEnd = Buffer.from("\r\n\r\n");
let requests = 0;

const server = createServer({ noDelay: true }, (socket) => {
  let pending: Buffer = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let end = endOf(pending); end > 0 && end <= pending.length; end = endOf(pending)) {
      take(socket, pending.subarray(0, end));
      pending = pending.subarray(end);
    }
  });
});

/** Where the first request ends; 0 while its head is not there whole. */
function endOf(bytes: Buffer): number {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return 0;
  const length = /content-length: *(\d+)/i.exec(bytes.toString("latin1", 0, end))?.[1];
  return end + headEnd.length + Number(length ?? 0);
}

function take(socket: Socket, request: Buffer): void {
  requests++;
  const response = responseTo(request);
  if (delay > 0) setTimeout(() => socket.write(response), delay);
  else socket.write(response);
}

function responseTo(request: Buffer): string {
  const body = answerTo(request);
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

server.listen(0, "127.0.0.1", () => {
  serveParent((server.address() as AddressInfo).port, (question) => {
    ({ delay = delay } = question as { delay?: number });
    return { requests };
  });
});
