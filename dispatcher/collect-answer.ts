import type { Dispatcher } from "undici";
import { codeOf } from "../shared/code-of.ts";

/** An answer read whole. */
export interface Answer {
  status: number;
  /** The Location header. */
  location: string | undefined;
  /** undefined when the body is longer than `maxBytes`. */
  text: string | undefined;
}

/**
 * Makes one request and reads its answer, through undici's own handlers rather than a stream a request. Rejects with
 * `TimeoutError` when it is not there whole after `timeout` ms, and with undici's error when the connection fails. A kept
 * connection that turns out to be reset before anything went out on it is no failure: another one takes its place.
 */
export function collectAnswer(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  timeout: number,
  maxBytes: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let location: string | undefined;
    let chunks: Buffer[] = [];
    let bytes = 0;
    let isOver = false;
    let mayRepeat = true;

    const settle = (end: () => void): void => {
      isOver = true;
      clearTimeout(timer);
      chunks = [];
      end();
    };
    const give = (text: string | undefined): void => settle(() => resolve({ status, location, text }));
    const giveUp = (): void => {
      if (isOver) return;
      const error = new DOMException("no answer in time", "TimeoutError");
      settle(() => reject(error));
      controller?.abort(error);
    };
    // Not at once: a process that was held up for so long has to read first what came meanwhile.
    const timer = setTimeout(() => setImmediate(giveUp), timeout);

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (isOver) started.abort(new DOMException("given up before it was sent", "AbortError"));
      },
      onResponseStart(_controller, statusCode, headers) {
        status = statusCode;
        location = typeof headers["location"] === "string" ? headers["location"] : undefined;
      },
      onResponseData(receiving, chunk) {
        if (isOver) return;
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes <= maxBytes) return;
        give(undefined);
        receiving.abort(new RangeError("the answer is too long"));
      },
      // not body.text(), which would take a byte order mark away
      onResponseEnd: () =>
        void (isOver || give((chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString("utf8"))),
      onResponseError(_controller, error) {
        if (isOver) return;
        const wentOut = controller !== undefined;
        if (wentOut || !mayRepeat || codeOf(error, "") !== "ECONNRESET") return settle(() => reject(error));
        mayRepeat = false;
        dispatcher.dispatch(request, handler);
      },
    };
    dispatcher.dispatch(request, handler);
  });
}
