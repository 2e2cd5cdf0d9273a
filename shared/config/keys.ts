import { Type, type TObject, type TSchema } from "typebox";
import { pathOf } from "./report.ts";
import { configSchema } from "./schema.ts";
import { suggest } from "./suggest.ts";

/** Keys that only explain: Chinese ones, as the file's own examples have, and the usual signs of a comment. */
export function isExplanation(key: string): boolean {
  return /\P{ASCII}/u.test(key) || /^(\/\/|_|#)/.test(key) || key === "$schema";
}

/** The setting that a written key stands for, if any, and what to warn of. */
export function findSetting(
  schema: TObject,
  key: string,
  siblings: Record<string, unknown>,
): { key?: string; warning?: string } {
  const keys = Object.keys(schema.properties);
  if (keys.includes(key)) return { key };
  const otherwiseSpelt = keys.find((candidate) => candidate.toLowerCase() === key.toLowerCase());
  if (otherwiseSpelt !== undefined && !(otherwiseSpelt in siblings)) {
    return { key: otherwiseSpelt, warning: `is read as "${otherwiseSpelt}"; write it so` };
  }
  const near = suggest(key, keys);
  const meant = near === undefined ? suggestElsewhere(key) : `"${near}"`;
  const question = meant === undefined ? "" : `; did you mean ${meant}?`;
  return { warning: `is not a setting here and is ignored${question}` };
}

/** Where in the file the setting is that `key` may stand for, in words. */
function suggestElsewhere(key: string): string | undefined {
  const [, ...paths] = settingPaths(configSchema);
  const places = new Map(paths.map((path) => [path.slice(path.lastIndexOf(".") + 1), path]));
  const name = suggest(key, [...places.keys()]);
  const path = name === undefined ? undefined : places.get(name);
  if (path === undefined) return undefined;
  return path.includes(".") ? `"${path}"` : `"${path}" at the top of the file`;
}

/** The path of the file itself ("") and of every setting, such as `services[].wx-params.token`. */
function settingPaths(schema: TSchema, path = ""): string[] {
  if (Type.IsArray(schema)) return settingPaths(schema.items, `${path}[]`);
  if (!Type.IsObject(schema)) return [path];
  const inside = Object.entries<TSchema>(schema.properties).flatMap(([key, inner]) =>
    settingPaths(inner, pathOf(path, key)),
  );
  return [path, ...inside];
}
