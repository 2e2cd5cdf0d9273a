import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Type, type TObject, type TSchema } from "typebox";
import { configSchema } from "../../../shared/config/schema.ts";

const doc = await readFile(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
const { services, amqp, "common-endpoints": commonEndpoints } = configSchema.properties;

const tables: [heading: string, settings: Map<string, TSchema>][] = [
  ["Top level", new Map(Object.entries(configSchema.properties))],
  ["amqp", settingsOf(amqp)],
  ["services", settingsOf(services.items)],
  ["common-endpoints", settingsOf(commonEndpoints)],
];

for (const [heading, settings] of tables) {
  const rows = rowsOf(heading);

  test(`docs/configuration.md, ${heading}: every setting, and no other`, () => {
    assert.deepEqual(new Set(rows.keys()), new Set(settings.keys()));
  });

  test(`docs/configuration.md, ${heading}: defaults`, () => {
    for (const [key, setting] of settings) {
      if (!("default" in setting) || heading === "common-endpoints") continue;
      assert.ok(rows.get(key)?.includes(`| \`${written(setting.default)}\` |`), `${key}: ${written(setting.default)}`);
    }
  });
}

/** Settings by their path below `schema`, such as `wx-params.token`. */
function settingsOf(schema: TObject): Map<string, TSchema> {
  const settings = new Map<string, TSchema>();
  for (const [key, inner] of Object.entries<TSchema>(schema.properties)) {
    if (!Type.IsObject(inner)) settings.set(key, inner);
    else for (const [rest, setting] of settingsOf(inner)) settings.set(`${key}.${rest}`, setting);
  }
  return settings;
}

/** The rows of all tables of a section that begin with a setting, by that setting. */
function rowsOf(heading: string): Map<string, string> {
  const section = doc.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(
    rows.flatMap((row) => [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, key = ""]) => [key, row])),
  );
}

/** As the table writes it: text without quotes unless it is empty. */
function written(value: unknown): string {
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value).replaceAll('","', '", "');
}
