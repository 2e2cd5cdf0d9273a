/** What `npm-peer.ts` uses of packages that bring no types. */
declare module "express" {
  import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

  export type Handler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;
  export default function express(): RequestListener & { use(path: string, handler: Handler): void };
}

declare module "wechat" {
  import type { IncomingMessage, ServerResponse } from "node:http";
  import type { Handler } from "express";

  export interface Config {
    token: string;
    appid: string;
    encodingAESKey: string;
  }
  export default function wechat(
    config: Config,
    handle: (
      request: IncomingMessage & { weixin: Record<string, unknown> },
      response: ServerResponse & { reply(content: unknown): void },
      next: (error?: unknown) => void,
    ) => void,
  ): Handler;
}
