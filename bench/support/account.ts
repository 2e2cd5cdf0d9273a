/** The account of every measurement: what its pushes are signed and sealed with. */
export const account = {
  token: "benchToken0123456789",
  aesKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
  appId: "wx0123456789abcdef",
  id: "gh_0123456789ab",
  path: "/wx",
} as const;

export interface ConfigOptions {
  port: number;
  internalPort: number;
  /** The backend's port. */
  backend: number;
  /** Without it, all happens inside one process. */
  amqpUrl?: string | undefined;
}

/** A config file as the seed's documents show it (workerNum 5, a Chinese name), for the account above. */
export function sampleConfig({ port, internalPort, backend, amqpUrl }: ConfigOptions): object {
  const { token, aesKey, appId, path } = account;
  return {
    "listen-host": "127.0.0.1",
    "listen-port": port,
    "internal-listen-port": internalPort,
    services: [
      {
        name: "一个名字",
        workerNum: 5,
        timeout: 0,
        "wx-params": { token, "app-id": appId, "app-secret": "", "aes-key": aesKey },
        "listen-endpoints": { "service-path": path },
        "msg-proxy-pass": `http://127.0.0.1:${backend}`,
      },
    ],
    ...(amqpUrl === undefined ? {} : { amqp: { url: amqpUrl, prefix: `bench${port}` } }),
    "dont-append-userinfo": true,
  };
}
