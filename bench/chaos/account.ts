/** The account that is pushed to; wx-bridge and the process that plays WeChat know it from here. */
export const account = {
  service: "chaos",
  token: "chaosToken0123456789",
  aesKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
  appId: "wx0123456789abcdef",
  id: "gh_0123456789ab",
  path: "/wx",
} as const;

export interface BridgeAddresses {
  listenPort: number;
  internalPort: number;
  backendPort: number;
  amqpUrls: readonly string[];
  /** The gateway's `data-dir`; undefined leaves it without a spool. */
  dataDir: string | undefined;
}

/** A config file for a gateway or a dispatcher. */
export function bridgeConfig({ listenPort, internalPort, backendPort, amqpUrls, dataDir }: BridgeAddresses): object {
  const { service, token, aesKey, appId, path } = account;
  return {
    "listen-host": "127.0.0.1",
    "listen-port": listenPort,
    "internal-listen-port": internalPort,
    amqp: { urls: amqpUrls, prefix: "chaos" },
    ...(dataDir === undefined ? {} : { "data-dir": dataDir }),
    "dont-append-userinfo": true,
    services: [
      {
        name: service,
        timeout: 0,
        "wx-params": { token, "app-id": appId, "app-secret": "", "aes-key": aesKey },
        "listen-endpoints": { "service-path": path },
        "msg-proxy-pass": `http://127.0.0.1:${backendPort}`,
        retry: ["1s", "2s", "5s", "5s", "10s", "10s", "30s"],
      },
    ],
  };
}
