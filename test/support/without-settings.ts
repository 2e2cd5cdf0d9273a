import { configSchema } from "../../shared/config/schema.ts";

/** Variables that would win over a config file, or name another one. */
const settings = new Set<unknown>([
  "CONF_FILE",
  ...variablesIn(configSchema),
  ...variablesIn(configSchema.properties.amqp),
]);

/** An environment, our own unless told otherwise, for a bridge that is to go by its config file alone. */
export function withoutSettings(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !settings.has(name)));
}

function variablesIn({ properties }: { properties: object }): unknown[] {
  return Object.values(properties).map((setting: { "x-env"?: string }) => setting["x-env"]);
}
