import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { pino } from "pino";
import { runBridge } from "../../cli/run.ts";
import { readConfig } from "../../shared/config/load.ts";
import type { Closing } from "../support/loopback-server.ts";
import { onLoopback } from "../support/on-loopback.ts";
import { sign } from "../support/wechat-crypt.ts";
import { createWechat, type Wechat } from "../support/wechat-server.ts";

export const aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
export const appId = "wx1234567890abcdef";

export interface AccountSettings {
  name: string;
  token: string;
  /** Default: the name, below "/". */
  path?: string;
  sealed?: boolean;
  settings?: object;
}

/** A gateway and a dispatcher in this process, on real ports and the in-process bus, every account in echo mode. */
export interface EchoBridge {
  port: number;
  url: string;
  lines: string[];
  wechat(name: string): Wechat;
  /** A path with a query that is signed for the account. */
  signed(name: string, query?: Record<string, string>): string;
  metrics(): Promise<string>;
}

export async function createEchoBridge(t: Closing, accounts: AccountSettings[]): Promise<EchoBridge> {
  const services = accounts.map(({ name, token, path = `/${name}`, sealed = false, settings }) => ({
    name,
    "wx-params": { token, "app-id": appId, ...(sealed ? { "aes-key": aesKey } : {}) },
    "listen-endpoints": { "service-path": path },
    ...settings,
  }));
  const { config } = await readConfig({ ...onLoopback, services });
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  const bridge = await runBridge("start", config, log);
  t.after(() => bridge.close());
  const port = bridge.port ?? 0;
  const find = (name: string) => accounts.find((account) => account.name === name) ?? raise(`no account ${name}`);
  const pathOf = (name: string) => find(name).path ?? `/${name}`;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    lines,
    wechat(name) {
      const { token, sealed } = find(name);
      return createWechat({
        url: `http://127.0.0.1:${port}${pathOf(name)}`,
        token,
        appId,
        ...(sealed ? { aesKey } : {}),
      });
    },
    signed(name, query = {}) {
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = sign([find(name).token, timestamp, "n1"]);
      return `${pathOf(name)}?${new URLSearchParams({ signature, timestamp, nonce: "n1", ...query }).toString()}`;
    },
    metrics: async () => (await fetch(`http://127.0.0.1:${bridge.internalPort}/metrics`)).text(),
  };
}

export interface SpokenAnswer {
  status: number;
  headers: string;
  body: string;
}

/** Sends the very bytes, those that come `late` as well, and reads until the other side closes: say `Connection: close`. */
export async function speak(port: number, bytes: string, late?: Promise<string>): Promise<SpokenAnswer> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  if (late) socket.write(await late);
  const text = (await buffer(socket)).toString();
  const [headers = "", body = ""] = text.split(/\r\n\r\n([\s\S]*)/);
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(headers)?.[1]), headers, body };
}

/** A request's bytes as an HTTP client would not send them. */
export function requestBytes(line: string, headers: readonly string[] = [], body = ""): string {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return [`${line} HTTP/1.1`, "Host: x", "Connection: close", ...length, ...headers, "", body].join("\r\n");
}

function raise(message: string): never {
  throw new Error(message);
}
