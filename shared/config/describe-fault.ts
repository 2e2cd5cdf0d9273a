import { Type, type TSchema } from "typebox";

/** What a value of `schema` must be, in words, and whether `value` wants quotes or has them in vain. */
export function describeFault(schema: TSchema & { "x-must"?: string }, value?: unknown): string {
  const must = schema["x-must"] ?? mustBe(schema);
  const isBare = Type.IsBoolean(schema) || Type.IsInteger(schema);
  if (isBare && typeof value === "string") return `${must}, written without quotes`;
  if (Type.IsString(schema) && ["number", "boolean"].includes(typeof value)) return `${must}, written in quotes`;
  return must;
}

function mustBe(schema: TSchema): string {
  if (Type.IsBoolean(schema)) return "must be true or false";
  if (Type.IsEnum(schema)) return `must be ${schema.enum.map((choice) => JSON.stringify(choice)).join(" or ")}`;
  if (Type.IsArray(schema)) return "must be a list: [ ... ]";
  if (Type.IsObject(schema)) return "must be an object: { ... }";
  return "must be text";
}
