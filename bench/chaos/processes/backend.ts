/**
 * `backend.ts <options as JSON>`: the account's HTTP backend. It writes every request down before it answers, takes up to
 * 200 ms for that, and refuses each 50th push once with 503, so that the retry queues have something to hold.
 */
import { createHash } from "node:crypto";
import { openSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Receipt } from "../history.ts";
import { indexIn, markOf } from "../pushes.ts";
import { createRandom } from "../random.ts";
import { serveParent } from "./parent.ts";

export interface BackendProcessOptions {
  seed: string;
  log: string;
}

const SLOWEST = 200;
const REFUSES_EVERY = 50;
const options = JSON.parse(process.argv[2] ?? "{}") as BackendProcessOptions;
const log = openSync(options.log, "a");
const random = createRandom(`${options.seed} backend`);
const refused = new Set<number>();
let requests = 0;

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  take(request, response).catch(() => response.destroy());
});
server.listen(0, "127.0.0.1", () => {
  const tell = serveParent({ port: (server.address() as AddressInfo).port });
  setInterval(() => tell({ requests }), 500);
});

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  const push = indexIn(body.toString());
  const taken = push === undefined || !refusesNow(push);
  const receipt: Receipt = {
    at: Date.now(),
    ...(push === undefined ? {} : { push }),
    id: String(request.headers["x-wx-event-id"]),
    body: createHash("sha256").update(body).digest("base64url"),
    taken,
  };
  writeSync(log, `${JSON.stringify(receipt)}\n`);
  requests++;
  await sleep(random.between(0, SLOWEST));
  if (!taken) return void response.writeHead(503).end();
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ type: "text", msg: `taken: ${push === undefined ? "unknown" : markOf(push)}` }));
}

function refusesNow(push: number): boolean {
  if (push % REFUSES_EVERY !== 0 || refused.has(push)) return false;
  refused.add(push);
  return true;
}
