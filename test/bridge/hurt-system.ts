import assert from "node:assert/strict";
import { createBackend, type Backend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { onLoopback } from "../support/on-loopback.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { createWechat } from "../support/wechat-server.ts";
import { startProcess, writeConfig, type BridgeProcess } from "./bridge-process.ts";

/** Gateways and a dispatcher as processes on a broker that is to be hurt, and what became of the pushes to them. */
export interface HurtSystem {
  prefix: string;
  backend: Backend;
  startDispatcher: () => Promise<BridgeProcess>;
  startGateway: (settings?: { spool: boolean }) => Promise<BridgeProcess>;
  /** Pushes once; the answer has to be there inside 5 s. What was answered 200 is in `held`. */
  push: (gateway: BridgeProcess) => Promise<Answered>;
  /** Pushes until the backend's reply is back, for 60 s. */
  untilReplied: (gateway: BridgeProcess) => Promise<void>;
  /** Identities of what was answered 200. */
  held: Set<string>;
  /** Resolves once the backend has all of that. */
  nothingLost: () => Promise<void>;
}

export interface Answered {
  status: number;
  /** The reply's text, or `success`, or a refusal's words. */
  said: string;
}

let pushes = 0;

export async function createHurtSystem(t: Closing, prefix: string, urls: string[]): Promise<HurtSystem> {
  const backend = await createBackend(t, ({ json }) => {
    return { body: { type: "text", msg: `reply to ${(json as { Content: string }).Content}` } };
  });
  const held = new Set<string>();

  async function configFile(dataDir?: string): Promise<string> {
    return writeConfig(t, {
      ...onLoopback,
      ...(dataDir === undefined ? {} : { "data-dir": dataDir }),
      amqp: { urls, prefix },
      services: [
        {
          name: "account",
          "wx-params": { token: "AAAAA", "app-id": "wx1" },
          "listen-endpoints": { "service-path": "/wx" },
          "msg-proxy-pass": backend.url,
          retry: ["1s", "1s", "1s"],
        },
      ],
    });
  }

  async function push({ port }: BridgeProcess): Promise<Answered> {
    const id = ++pushes;
    const wechat = createWechat({ url: `http://127.0.0.1:${port}/wx`, token: "AAAAA", appId: "wx1" });
    const { status, opened, ms } = await wechat.push(
      `<xml><ToUserName>gh_1</ToUserName><FromUserName>oUSER${id}</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>${id}</Content><MsgId>${id}</MsgId></xml>`,
    );
    assert.ok(ms < 5000, `push ${id} was answered after ${ms} ms`);
    if (status === 200) held.add(`account/oUSER${id}/${id}`);
    const said = opened.startsWith("<xml>") ? String(parseReply(opened)["Content"]) : opened.trim();
    return { status, said: said === `reply to ${id}` ? "the reply" : said };
  }

  return {
    prefix,
    backend,
    held,
    push,
    startDispatcher: async () => startProcess(t, "dispatcher", await configFile()),
    async startGateway({ spool } = { spool: true }) {
      const dataDir = createTemporaryFolder(t);
      return startProcess(t, "gateway", await configFile(spool ? dataDir : undefined));
    },
    async untilReplied(gateway) {
      await eventually("a push has its reply", async () => (await push(gateway)).said === "the reply");
    },
    nothingLost: () =>
      eventually("the backend has every push that was answered success", () => {
        const got = new Set(backend.requests.map(({ headers }) => headers["x-wx-event-id"]));
        return [...held].every((identity) => got.has(identity));
      }),
  };
}

/** What `/readyz` says. */
export async function readiness({ internalPort }: BridgeProcess): Promise<number> {
  return (await fetch(`http://127.0.0.1:${internalPort}/readyz`)).status;
}

/** Waits for 60 s: a busy machine takes its time. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  await until(isSo, what, 60_000);
}
