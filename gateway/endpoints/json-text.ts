import { findNodeAtLocation, parseTree } from "jsonc-parser";

/** JSON as it came: written out again to the byte, so that numbers keep every digit. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text.trim();
  }
}

/** The value of `name` in the object that `json`, valid JSON, holds; undefined when it has none. */
export function memberOf(json: string, name: string): JsonText | undefined {
  const tree = parseTree(json);
  const member = tree && findNodeAtLocation(tree, [name]);
  return member && new JsonText(json.slice(member.offset, member.offset + member.length));
}

/** Members of the object that `json`, valid JSON, holds, in its own order; none when it holds something else. */
export function membersOf(json: string): [name: string, value: JsonText][] {
  const tree = parseTree(json);
  if (tree?.type !== "object") return [];
  return (tree.children ?? []).flatMap(({ children: [name, value] = [] }) =>
    name && value ? [[String(name.value), new JsonText(json.slice(value.offset, value.offset + value.length))]] : [],
  );
}

/** One line of JSON with its keys in order; values that are `JsonText` stand in it as they are. */
export function writeJson(fields: Readonly<Record<string, unknown>>): string {
  return `${jsonOf(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)))}\n`;
}

/** An object's JSON from its members, in their order. */
export function jsonOf(members: readonly (readonly [name: string, value: unknown])[]): string {
  const parts = members.map(([name, value]) => {
    return `${JSON.stringify(name)}:${value instanceof JsonText ? value.text : JSON.stringify(value)}`;
  });
  return `{${parts.join(",")}}`;
}
