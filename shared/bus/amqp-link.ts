import { connect, type Options, type RecoveringChannelModel } from "amqplib";
import type { AmqpConfig } from "../config/config.ts";
import type { Logger } from "../log.ts";

/** Seconds between heartbeats: a dead peer is noticed after two and a half of them. */
const HEARTBEAT = 10;
const CONNECT_TIMEOUT = 5000;

/** One connection to the broker that comes back by itself, trying every URL in turn. */
export interface Link {
  readonly model: RecoveringChannelModel;
  /** Under a memory or disk alarm the broker reads nothing more from publishers. */
  readonly blocked: boolean;
  onUnblocked(listener: () => void): void;
  close(): Promise<void>;
}

/** Resolves at once, before the first connection is there. `name` is what the broker's management pages show. */
export async function createLink(config: AmqpConfig, name: string, log: Logger): Promise<Link> {
  const endpoints = config.urls.map(parseUrl);
  let turn = 0;
  let blocked = false;
  // amqplib reads this object at each attempt, so the next broker's address is put into it
  const endpoint: Options.Connect = { ...endpoints[0] };
  const nextEndpoint = (): void => void Object.assign(endpoint, endpoints[++turn % endpoints.length]);

  const model = await connect(endpoint, {
    ...config.tls,
    noDelay: true,
    keepAlive: true,
    timeout: CONNECT_TIMEOUT,
    clientProperties: { connection_name: name },
    recovery: { initialDelay: 100, maxDelay: 5000, waitForConnect: false },
  });
  model.on("connect", () =>
    log.info({ broker: `${endpoint.hostname}:${endpoint.port}`, connection: name }, "broker connected"),
  );
  model.on("connect-failed", (error) => {
    log.warn(
      { broker: `${endpoint.hostname}:${endpoint.port}`, connection: name, reason: reasonOf(error) },
      "broker unreachable, trying again",
    );
    nextEndpoint();
  });
  model.on("disconnect", (error) => {
    blocked = false;
    log.warn({ connection: name, reason: reasonOf(error) }, "broker connection lost");
    nextEndpoint();
  });
  model.on("error", () => {}); // every loss is also told as a disconnect
  model.on("blocked", (reason) => {
    blocked = true;
    log.warn({ connection: name, reason }, "broker blocks publishing (memory or disk alarm)");
  });
  model.on("unblocked", () => {
    blocked = false;
    log.info({ connection: name }, "broker takes messages again");
  });

  return {
    model,
    get blocked() {
      return blocked;
    },
    onUnblocked: (listener) => void model.on("unblocked", listener),
    close: () => model.close(),
  };
}

/** Broker errors quote addresses, never passwords. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

function parseUrl(text: string): Options.Connect {
  const url = new URL(text);
  const protocol = url.protocol.slice(0, -1);
  return {
    protocol,
    hostname: url.hostname.replaceAll(/^\[|\]$/g, ""),
    port: Number(url.port) || (protocol === "amqps" ? 5671 : 5672),
    username: decodeURIComponent(url.username) || "guest",
    password: decodeURIComponent(url.password) || "guest",
    vhost: decodeURIComponent(url.pathname.slice(1)) || "/",
    heartbeat: Number(url.searchParams.get("heartbeat") ?? HEARTBEAT),
  };
}
