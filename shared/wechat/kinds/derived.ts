import { Type, type TSchema } from "typebox";
import { kinds } from "./kinds.ts";
import { storeEvents } from "./store-events.ts";

/** A field's value where WeChat did not send it: text "", a number 0, a list null. */
export type Absent = "" | 0 | null;

/** Fields that are always there, by routing key, in the order they are sent to backends. */
export const absentFields: ReadonlyMap<string, Readonly<Record<string, Absent>>> = new Map(
  Object.entries(kinds).map(([key, { properties }]) => [key, absentOf(properties)]),
);

function absentOf(properties: Record<string, TSchema>): Record<string, Absent> {
  const filled = Object.entries(properties).filter(([, schema]) => "default" in schema);
  return Object.fromEntries(filled.map(([name, schema]) => [name, (schema as { default: Absent }).default]));
}

const numbers = new Set<string>();
/** Elements that are lists even when they stand once; those with a general name as `parent/name`. */
const lists = new Set<string>();

/** Elements that are JSON numbers wherever they stand; everything else is text. */
export const numberFields: ReadonlySet<string> = numbers;

/** Too general a name to be a list wherever it stands: only where the table says so. */
const general: ReadonlySet<string> = new Set(["List"]);

for (const [key, schema] of Object.entries(kinds)) if (!Object.hasOwn(storeEvents, key)) read(schema, "");

function read(schema: TSchema, parent: string): void {
  if (Type.IsUnion(schema)) for (const variant of schema.anyOf) read(variant, parent);
  if (Type.IsArray(schema)) read(schema.items, parent);
  if (!Type.IsObject(schema)) return;
  for (const [name, field] of Object.entries(schema.properties)) {
    if (Type.IsInteger(field)) numbers.add(name);
    if (Type.IsArray(field)) lists.add(general.has(name) ? `${parent}/${name}` : name);
    if (!("default" in field)) read(field, name); // a flat list is no element of WeChat's
  }
}

/** Whether an element may stand more than once inside `parent`, and so is always a list. */
export function isRepeatable(name: string, parent: string): boolean {
  return lists.has(general.has(name) ? `${parent}/${name}` : name);
}
