import { Type, type TObject, type TSchema } from "typebox";
import { Check } from "typebox/schema";
import { isRecord } from "../is-record.ts";
import { describeFault } from "./describe-fault.ts";
import { expand, type Sources } from "./expand.ts";
import { findSetting, isExplanation } from "./keys.ts";
import { pathOf, type Report } from "./report.ts";

/**
 * Reads `value` as `schema` describes it: values expanded, defaults filled in, explaining keys left out, unknown keys
 * warned about. What is wrong becomes a fault and is left out, so that the rest is still checked.
 */
export async function readShape(
  schema: TSchema,
  value: unknown,
  path: string,
  sources: Sources,
  report: Report,
): Promise<unknown> {
  const read = (inner: TSchema, innerValue: unknown, key: string | number) =>
    readShape(inner, innerValue, pathOf(path, key), sources, report);
  const shape = Array.isArray(value) ? arrayBranch(schema) : schema;
  if (Type.IsObject(shape) && isRecord(value)) return await readObject(shape, value, path, read, report);
  if (Type.IsArray(shape) && Array.isArray(value)) {
    const items: unknown[] = [];
    for (const [index, item] of value.entries()) items.push(await read(shape.items, item, index));
    const { minItems = 0 } = shape as { minItems?: number };
    if (items.length < minItems) report.fault(path, describeFault(schema, value));
    return items;
  }
  const expanded = await expand(value, path, sources, report);
  if (expanded === undefined || Check(shape, expanded)) return expanded;
  report.fault(path, describeFault(schema, expanded));
  return undefined;
}

async function readObject(
  schema: TObject,
  value: Record<string, unknown>,
  path: string,
  read: (schema: TSchema, value: unknown, key: string) => Promise<unknown>,
  report: Report,
): Promise<Record<string, unknown>> {
  const written = nameSettings(schema, value, path, report);
  const settings: Record<string, unknown> = {};
  for (const [key, property] of Object.entries<TSchema>(schema.properties)) {
    if (written.has(key)) settings[key] = await read(property, written.get(key), key);
    else if ("default" in property) settings[key] = await read(property, structuredClone(property.default), key);
    else if (!Type.IsOptional(property)) report.fault(pathOf(path, key), `is missing; ${describeFault(property)}`);
  }
  return settings;
}

/** The written values under the keys of the schema. Null stands for an absent one. */
function nameSettings(
  schema: TObject,
  value: Record<string, unknown>,
  path: string,
  report: Report,
): Map<string, unknown> {
  const named = new Map<string, unknown>();
  for (const [key, content] of Object.entries(value)) {
    if (content === null || isExplanation(key)) continue;
    const setting = findSetting(schema, key, value);
    if (setting.warning !== undefined) report.warn(pathOf(path, key), setting.warning);
    if (setting.key !== undefined) named.set(setting.key, content);
  }
  return named;
}

function arrayBranch(schema: TSchema): TSchema {
  if (!Type.IsUnion(schema)) return schema;
  return schema.anyOf.find((branch) => Type.IsArray(branch)) ?? schema;
}
