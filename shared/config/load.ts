import { dirname, resolve } from "node:path";
import { isRecord } from "../is-record.ts";
import { buildBroker, buildConfig } from "./build-config.ts";
import { checkDoubts } from "./check-doubts.ts";
import { checkRules } from "./check-rules.ts";
import { ConfigError } from "./config-error.ts";
import type { Broker, Config } from "./config.ts";
import { applyEnvironment } from "./environment.ts";
import type { Sources } from "./expand.ts";
import { parseJson } from "./parse-json.ts";
import { readShape } from "./read-shape.ts";
import { readText } from "./read-text.ts";
import { Report } from "./report.ts";
import { configSchema, type Settings } from "./schema.ts";

export interface LoadedConfig {
  config: Config;
  /** What works, but hardly as meant; each starts with the path of the setting and never holds a secret. */
  warnings: string[];
}

/**
 * Reads the config file (default: the one that `CONF_FILE` names). Paths inside `{"file": "..."}` are relative to it.
 * Throws a `ConfigError` that tells all faults at once.
 */
export async function loadConfig(
  env: NodeJS.ProcessEnv,
  file: string | undefined = env.CONF_FILE,
): Promise<LoadedConfig> {
  if (!file) throw new ConfigError(["no config file is named: do so by --config or CONF_FILE"]);
  const read = await readText(file);
  if ("fault" in read) throw new ConfigError([`${file}: ${read.fault}`]);
  const report = new Report(file);
  if (read.flaw) report.warn("", read.flaw);
  return await readSettings(read.text, { env, baseDir: dirname(resolve(file)) }, report);
}

/** The broker that `AMQP_URL` names, for what needs nothing else of a config. Throws a `ConfigError` as well. */
export async function loadBroker(env: NodeJS.ProcessEnv): Promise<Broker> {
  const report = new Report("AMQP_URL");
  const { amqp } = applyEnvironment({}, env, report);
  const sources = { env, baseDir: process.cwd() };
  const settings = await readShape(configSchema.properties.amqp, amqp, "amqp", sources, report);
  report.throwFaults();
  return buildBroker(settings as Settings["amqp"]);
}

/**
 * Reads a config from a file's text, or from what such a text holds. The environment wins over it. `baseDir` is the
 * folder that `{"file": "..."}` and modules are relative to. Throws a `ConfigError` that tells all faults at once.
 */
export async function readConfig(
  source: string | object,
  env: NodeJS.ProcessEnv = {},
  baseDir: string = process.cwd(),
): Promise<LoadedConfig> {
  return await readSettings(source, { env, baseDir }, new Report("the file"));
}

async function readSettings(source: string | object, sources: Sources, report: Report): Promise<LoadedConfig> {
  const file = typeof source === "string" ? parseJson(source, report) : source;
  report.throwFaults();
  const input = isRecord(file) ? applyEnvironment(file, sources.env, report) : file;
  const settings = await readShape(configSchema, input, "", sources, report);
  checkRules(settings ?? {}, report);
  report.throwFaults();
  const config = buildConfig(settings as Settings, sources.baseDir);
  checkDoubts(config, settings as Settings, report);
  return { config, warnings: report.warnings };
}
