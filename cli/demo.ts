import { randomBytes } from "node:crypto";
import type { LoadedConfig } from "../shared/config/load.ts";
import { readConfig } from "../shared/config/load.ts";

export interface DemoAccount {
  token: string;
  aesKey: string;
  appId: string;
  path: string;
}

/** An account to try the bridge with, with a token and an EncodingAESKey of its own at every start. */
export function createDemoAccount(): DemoAccount {
  return {
    token: randomBytes(16).toString("hex"),
    aesKey: randomBytes(32).toString("base64").slice(0, 43),
    appId: "wx0123456789abcdef",
    path: "/wx",
  };
}

/** The configuration of the demo: one sealed account in echo mode. The environment's ports and broker count. */
export function demoConfig(account: DemoAccount, env: NodeJS.ProcessEnv): Promise<LoadedConfig> {
  const { token, aesKey, appId, path } = account;
  const file = {
    "listen-host": "127.0.0.1",
    services: [
      {
        name: "demo",
        "wx-params": { token, "app-id": appId, "app-secret": "", "aes-key": aesKey },
        "listen-endpoints": { "service-path": path },
      },
    ],
    "dont-append-userinfo": true,
    "common-endpoints": { "health-check": "/health" },
  };
  return readConfig(file, env);
}

/** How to call this program from a shell: by npm's scripts in a clone, by where it lies when it runs from its package. */
export const shellCommands = import.meta.filename.endsWith(".ts")
  ? { start: "npm start", push: "npm run push --" }
  : { start: `${inShell()} start`, push: `${inShell()} push` };

function inShell(): string {
  return process.argv
    .slice(0, 2)
    .map((path) => (/^[\w./@-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`))
    .join(" ");
}

/** The command that sends the demo account a message, as it can be pasted into a shell. */
export function demoCommand({ token, aesKey, appId, path }: DemoAccount, port: number): string {
  const url = `http://127.0.0.1:${port}${path}`;
  return `${shellCommands.push} --url ${url} --token ${token} --aes-key ${aesKey} --app-id ${appId} --text hello`;
}
