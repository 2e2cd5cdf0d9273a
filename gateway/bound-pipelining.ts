import type { RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests of one connection that may wait for the answer to one before. WeChat sends one at a time, and so do proxies. */
const MAX_WAITING = 15;

/**
 * Cuts off whoever sends on and on without waiting for answers. Node reads 64 KiB of each connection at a time, which are
 * 1500 small requests, and hands them all over before anybody else has a turn: a few such connections, each request worked
 * on and logged, would keep the process from WeChat's pushes for seconds.
 */
export function boundPipelining(handle: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, number>();

  function add(socket: Socket, response: ServerResponse): void {
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > MAX_WAITING) socket.destroy();
    waiting.set(socket, count);
    response.once("close", () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
  }

  return (request, response) => {
    const { socket } = request;
    // Node gives a response its socket when the one before has ended.
    if (response.socket === null && !socket.destroyed) add(socket, response);
    if (!socket.destroyed) handle(request, response);
  };
}
