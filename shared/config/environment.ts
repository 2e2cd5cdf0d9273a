import type { TSchema } from "typebox";
import { isRecord } from "../is-record.ts";
import { configSchema } from "./schema.ts";
import type { Report } from "./report.ts";

/**
 * Lets the environment win: every setting that the schema marks with `x-env` takes the variable's value instead of the
 * file's, and `AMQP_URL` (a comma-separated list) replaces `amqp.url` and `amqp.urls`. An empty variable counts as unset.
 */
export function applyEnvironment(
  file: Record<string, unknown>,
  env: NodeJS.ProcessEnv,
  report: Report,
): Record<string, unknown> {
  const settings = { ...file };
  for (const [key, schema] of Object.entries<TSchema & { "x-env"?: string }>(configSchema.properties)) {
    const variable = schema["x-env"];
    const text = variable === undefined ? undefined : env[variable];
    if (variable === undefined || !text) continue;
    settings[key] = "type" in schema && schema.type === "integer" ? numberFrom(text) : text;
    report.cameFrom(variable, key);
  }
  if (env.AMQP_URL) {
    settings.amqp = { ...withoutUrl(settings.amqp), urls: listFrom(env.AMQP_URL) };
    report.cameFrom("AMQP_URL", "amqp.urls");
  }
  return settings;
}

/** The number that `text` writes; NaN, which the schema refuses, when it is none. */
function numberFrom(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function listFrom(text: string): string[] {
  const items = text.split(",").map((item) => item.trim());
  return items.filter((item) => item !== "");
}

function withoutUrl(amqp: unknown): object {
  if (!isRecord(amqp)) return {};
  return Object.fromEntries(Object.entries(amqp).filter(([key]) => key !== "url"));
}
