import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { startProcess, writeConfig } from "../bridge/bridge-process.ts";
import { aesKey, appId } from "../gateway/echo-bridge.ts";
import type { Closing } from "../support/loopback-server.ts";
import { onLoopback } from "../support/on-loopback.ts";
import { sign } from "../support/wechat-crypt.ts";
import { createWechat, parseReply } from "../support/wechat-server.ts";

const token = "TokenNobodyReads";
const MAX_RSS = 400 * 1024 * 1024;
/** Stands in every hostile body, query and header, and in no answer and no log line. */
export const mark = "HOSTILEMARK";

/** A bridge process in echo mode: `/plain` without an AES key, `/safe` with one, `/both` with one and allow-plaintext. */
export interface Target {
  port: number;
  /** `/path?…` with a signed query, and what else is given. */
  signed(path: string, query?: Record<string, string>): string;
  rss(): Promise<number>;
  /** Whether a good push is answered in time, nothing unforeseen happened, memory is bounded and nothing got out. */
  assertWell(): Promise<void>;
}

export async function startTarget(t: Closing): Promise<Target> {
  const account = (name: string, params: object, settings: object = {}) => ({
    name,
    "wx-params": { token, "app-id": appId, ...params },
    "listen-endpoints": { "service-path": `/${name}` },
    ...settings,
  });
  const sealed = { "aes-key": aesKey };
  const services = [
    account("plain", {}),
    account("safe", sealed),
    account("both", sealed, { "allow-plaintext": true }),
  ];
  const configFile = await writeConfig(t, { ...onLoopback, services });
  const bridge = await startProcess(t, "start", configFile);
  const wechat = createWechat({ url: `http://127.0.0.1:${bridge.port}/safe`, token, appId, aesKey });
  let pushes = 0;

  async function rss(): Promise<number> {
    const status = await readFile(`/proc/${bridge.child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  return {
    port: bridge.port,
    rss,
    signed(path, query = {}) {
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = sign([token, timestamp, "n"]);
      return `${path}?${new URLSearchParams({ signature, timestamp, nonce: "n", ...query }).toString()}`;
    },
    async assertWell() {
      const id = `7${String(++pushes).padStart(8, "0")}`;
      const head = `<ToUserName>gh</ToUserName><FromUserName>oFUZZ</FromUserName><CreateTime>1</CreateTime>`;
      const answer = await wechat.push(
        `<xml>${head}<MsgType>text</MsgType><Content>well ${id}</Content><MsgId>${id}</MsgId></xml>`,
      );
      assert.equal(parseReply(answer.opened)["Content"], `well ${id}`);
      assert.ok(answer.ms < 5000, `answered after ${answer.ms} ms`);
      assert.ok((await rss()) < MAX_RSS, `${await rss()} bytes of memory`);
      const metrics = await (await fetch(`http://127.0.0.1:${bridge.internalPort}/metrics`)).text();
      assert.ok(!/wx_refused_total\{[^}]*code="INTERNAL"/.test(metrics), "a request failed in an unforeseen way");
      await sleep(300); // the log is written in blocks
      assertQuiet(bridge.output());
    },
  };
}

/** Nothing that is said holds a secret, a query, a message or a stack. */
export function assertQuiet(said: string): void {
  for (const secret of [token, aesKey, mark, "    at ", "node_modules", "signature="]) {
    assert.ok(
      !said.includes(secret),
      `${secret} got out: ${said.slice(Math.max(said.indexOf(secret) - 200, 0))}`.slice(0, 500),
    );
  }
}

export interface Spoken {
  /** Of every answer on the connection, in order. */
  statuses: number[];
  said: string;
  ms: number;
}

/** Sends the bytes and reads until the other side closes, or until nothing comes for `quietMs`. */
export async function speakBytes(port: number, bytes: Buffer, quietMs = 2000): Promise<Spoken> {
  const startedAt = performance.now();
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => socket.destroy());
  socket.setTimeout(quietMs, () => socket.destroy());
  socket.end(bytes);
  await closed(socket);
  const said = Buffer.concat(chunks).toString("latin1");
  const statuses = [...said.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
  return { statuses, said, ms: performance.now() - startedAt };
}

export async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}
