/** The accounts of every measurement: what their pushes are signed and sealed with. They differ in name and path only. */
export const account = {
  token: "benchToken0123456789",
  aesKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
  appId: "wx0123456789abcdef",
  id: "gh_0123456789ab",
  path: pathOf(0),
} as const;

/** Accounts that there can be. */
export const MAX_ACCOUNTS = 100;

/** All paths are equally long, so that a push can be readdressed as it lies ready. */
export function pathOf(index: number): string {
  return `/wx/${String(index).padStart(2, "0")}`;
}

export interface ConfigOptions {
  port: number;
  internalPort: number;
  /** Port of the backend that answers; without it, AMQP consumers do. */
  backend?: number;
  /** Without it, all happens inside one process. */
  amqpUrl?: string | undefined;
  /** Default 1. */
  accounts?: number;
  /** Port of WeChat's API; without it, no push gets userInfo. */
  wechatApi?: number;
}

/** A config file as the seed's documents show it (workerNum 5, Chinese names), for the accounts above. */
export function sampleConfig(options: ConfigOptions): object {
  const { port, internalPort, amqpUrl, accounts = 1, wechatApi } = options;
  return {
    "listen-host": "127.0.0.1",
    "listen-port": port,
    "internal-listen-port": internalPort,
    services: Array.from({ length: accounts }, (_, index) => sampleService(index, options)),
    ...(amqpUrl === undefined ? {} : { amqp: { url: amqpUrl, prefix: prefixOf(port) } }),
    ...(wechatApi === undefined
      ? { "dont-append-userinfo": true }
      : { "wx-api-base": `http://127.0.0.1:${wechatApi}` }),
  };
}

/** `amqp.prefix` of the bridge that listens there: each has its own. */
export function prefixOf(port: number): string {
  return `bench${port}`;
}

function sampleService(index: number, { backend }: ConfigOptions): object {
  const { token, aesKey, appId } = account;
  return {
    name: index === 0 ? "一个名字" : `一个名字 ${index + 1}`,
    workerNum: 5,
    timeout: 0,
    "wx-params": { token, "app-id": appId, "app-secret": "benchSecret", "aes-key": aesKey },
    "listen-endpoints": { "service-path": pathOf(index) },
    ...(backend === undefined ? { delivery: "amqp" } : { "msg-proxy-pass": `http://127.0.0.1:${backend}` }),
  };
}
