import assert from "node:assert/strict";
import { ConfigError } from "../../../shared/config/config-error.ts";
import type { Account, Config } from "../../../shared/config/config.ts";
import { readConfig } from "../../../shared/config/load.ts";

export const secrets = {
  token: "Token4Sample",
  appSecret: "0123456789abcdef0123456789abcdef",
  aesKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
  webhookSecret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
} as const;

type Settings = Record<string, unknown>;

/** A service without faults or doubts; `changes` replace its settings. */
export function service(changes: Settings = {}): Settings {
  return {
    name: "shop",
    "wx-params": {
      token: secrets.token,
      "app-id": "wx1234567890abcdef",
      "app-secret": secrets.appSecret,
      "aes-key": secrets.aesKey,
    },
    "listen-endpoints": { "service-path": "/wx" },
    ...changes,
  };
}

/** The same with `changes` to `wx-params`. */
export function serviceWithParams(changes: Settings, others: Settings = {}): Settings {
  return service({ "wx-params": { ...(service()["wx-params"] as Settings), ...changes }, ...others });
}

/** A config with one service. */
export function file(serviceChanges: Settings = {}, changes: Settings = {}): Settings {
  return { services: [service(serviceChanges)], ...changes };
}

/** The error that reading `source` ends with. */
export async function errorOf(
  source: string | object,
  env: NodeJS.ProcessEnv = {},
  baseDir?: string,
): Promise<ConfigError> {
  const error: unknown = await readConfig(source, env, baseDir).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ConfigError, "the config was accepted");
  return error;
}

export async function faultsOf(source: string | object, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  return (await errorOf(source, env)).faults;
}

export async function warningsOf(source: string | object, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  return (await readConfig(source, env)).warnings;
}

export async function configOf(source: string | object, env: NodeJS.ProcessEnv = {}): Promise<Config> {
  return (await readConfig(source, env)).config;
}

/** The first account of a config with one service that `changes` were made to. */
export async function accountOf(changes: Settings, others: Settings = {}): Promise<Account> {
  const { accounts } = await configOf(file(changes, others));
  assert.ok(accounts[0]);
  return accounts[0];
}
