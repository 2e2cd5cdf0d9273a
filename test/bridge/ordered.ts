import assert from "node:assert/strict";
import { connect } from "amqplib";
import type { BackendRequest } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { onLoopback } from "../support/on-loopback.ts";
import { writeConfig } from "./bridge-process.ts";
import { brokerUrl, type System } from "./system.ts";

/** A text message whose content is its place in the user's row. */
export function text(user: string, n: number): string {
  return `<xml><ToUserName>gh_1</ToUserName><FromUserName>${user}</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>${n}</Content><MsgId>${user.slice(1)}${1000 + n}</MsgId></xml>`;
}

/** An account that keeps order, and whose pushes are answered as soon as they are held. */
export const ordered = { name: "shop", ordering: "user", reply: ["event.none"] };
/** Openids. */
export const userNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `u${100 + i}`);
/** 0, 1, 2 … */
export const places = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** A message, as the backend was asked about it. */
export interface Asked {
  user: string;
  n: number;
}

/** Reads what `text` wrote. */
export function askedIn({ json }: BackendRequest): Asked {
  const { FromUserName, Content } = json as { FromUserName: string; Content: string };
  return { user: FromUserName, n: Number(Content) };
}

/** Pushes each user's messages one after another, the users at once. */
export async function pushAll(system: Pick<System, "wechat">, users: string[], count: number): Promise<void> {
  const wechat = system.wechat("shop");
  const pushFor = async (user: string): Promise<void> => {
    for (const n of places(count)) assert.equal((await wechat.push(text(user, n))).opened, "success");
  };
  await Promise.all(users.map(pushFor));
}

/** What each user's events were, in the order of their first arrival. */
export function firstArrivals(asked: Asked[]): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  for (const { user, n } of asked) {
    const row = rows.get(user) ?? [];
    if (!row.includes(n)) row.push(n);
    rows.set(user, row);
  }
  return rows;
}

/** Messages ready in a queue on the broker. */
export async function depth(queue: string): Promise<number> {
  const connection = await connect(brokerUrl());
  try {
    const channel = await connection.createChannel();
    return (await channel.checkQueue(queue)).messageCount;
  } finally {
    await connection.close();
  }
}

/** A config file for processes that share the broker, and the names, of a system; `settings` replace others. */
export function configFor(
  t: Closing,
  { prefix }: Pick<System, "prefix">,
  service: Record<string, unknown>,
  settings: Record<string, unknown> = {},
): Promise<string> {
  return writeConfig(t, {
    ...onLoopback,
    amqp: { url: brokerUrl(), prefix },
    services: [
      {
        "wx-params": { token: "AAAAA", "app-id": "wxba5fad812f8e6fb9" },
        "listen-endpoints": { "service-path": "/shop" },
        ...service,
      },
    ],
    ...settings,
  });
}
