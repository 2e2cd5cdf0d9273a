import type { ServiceSettings, Settings } from "./schema.ts";

/** A wait on the retry ladder: `name` as written in the config ("10s") and the wait itself. */
export interface RetryDelay {
  name: string;
  ms: number;
}

/** One WeChat account (an entry of `services`) with every default filled in. */
export interface Account {
  /** The service name: unique, at most 100 bytes. */
  name: string;
  token: string;
  /** Still accepted for pushes signed before a rotation was finished. */
  previousToken: string | undefined;
  appId: string;
  appSecret: string;
  /** EncodingAESKey, 43 characters; undefined for a plaintext account. */
  aesKey: string | undefined;
  previousAesKey: string | undefined;
  /** Oldest accepted `timestamp` of a push, in seconds; 0 = any. */
  timeout: number;
  servicePath: string;
  redirectPath: string | undefined;
  redirectUrl: string | undefined;
  redirectUserinfoFlag: string | undefined;
  /** Base URL of the HTTP backend, without a trailing slash. */
  msgProxyPass: string | undefined;
  isChannelsEc: boolean;
  /** Never true for a store. */
  appendUserInfo: boolean;
  /** Where its events go once they are on the bus. */
  delivery: NonNullable<ServiceSettings["delivery"]>;
  fanOut: boolean;
  /** Routing-key patterns that wait for a reply. */
  reply: string[];
  /** Milliseconds from the push's arrival until its answer. */
  replyBudget: number;
  replyWindow: ServiceSettings["reply-window"];
  lateReply: ServiceSettings["late-reply"];
  /** Milliseconds a backend may take, apart from the reply budget. */
  backendTimeout: number;
  retry: RetryDelay[];
  unhandled: ServiceSettings["unhandled"];
  /** Whether one user's events are delivered one after another, in the order they came. */
  ordering: ServiceSettings["ordering"];
  /** Deliveries in flight. */
  concurrency: number;
  allowPlaintext: boolean;
  /** Addresses that may push: addresses and CIDRs, WeChat's own list, or anybody (undefined). */
  allowFrom: string[] | "wechat" | undefined;
  webhookSecret: string | undefined;
  tokenApi: ServiceSettings["token-api"];
}

export interface AmqpConfig {
  /** Tried in turn. */
  urls: string[];
  /** Each in PEM form. */
  tls: { ca?: string; cert?: string; key?: string } | undefined;
}

/** Routes that the program of the seed offers beside pushes, named as in `common-endpoints`. */
export type CommonEndpoint = keyof Settings["common-endpoints"];

/** Where the exchanges and queues are, and what they are called. */
export interface Broker {
  /** undefined = the in-process bus. */
  amqp: AmqpConfig | undefined;
  /** First part of every exchange and queue name. */
  amqpPrefix: string;
}

/** The whole configuration, checked and with every default filled in. */
export interface Config extends Broker {
  listenHost: string;
  listenPort: number;
  internalListenHost: string;
  /** undefined = the role's own default, see `internalPorts`. */
  internalListenPort: number | undefined;
  /** True when the internal listener was configured: the common endpoints then move there. */
  internalListenerSet: boolean;
  accounts: Account[];
  /** Relative to the working directory, as is `tokenCacheDir`. */
  dataDir: string | undefined;
  tokenCacheDir: string | undefined;
  /** Without a trailing slash. */
  wxApiBase: string;
  logLevel: Settings["log-level"];
  commonEndpoints: Partial<Record<CommonEndpoint, string>>;
  /** Absolute paths of modules whose handlers take pushes inside this process. */
  consumers: string[];
}

/** Where the internal listener listens when no address is configured. */
export const internalHost = "127.0.0.1";

/** Ports of the internal listener when none is configured. */
export const internalPorts = { gateway: 7081, dispatcher: 7082 } as const;

/** What the internal listener serves itself, whatever the config. */
export const internalPaths = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json"] as const;
