import type { RequestListener } from "node:http";
import type { Socket } from "node:net";

/** Requests of one connection that may wait for their answers. WeChat sends one at a time, and so do proxies. */
const MAX_WAITING = 16;

/**
 * Cuts off whoever sends on and on without waiting for answers. Node reads 64 KiB of each connection at a time, which are
 * 1500 small requests, and hands them all over before anybody else has a turn: a few such connections, each request worked
 * on and logged, would keep the process from WeChat's pushes for seconds.
 */
export function boundPipelining(handle: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, number>();

  return (request, response) => {
    const { socket } = request;
    if (socket.destroyed) return; // the next one of the same piece
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > MAX_WAITING) {
      socket.destroy();
      return;
    }
    waiting.set(socket, count);
    response.once("close", () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    handle(request, response);
  };
}
