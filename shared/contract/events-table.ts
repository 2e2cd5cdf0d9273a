import { Type, type TSchema } from "typebox";
import { chapters } from "../wechat/kinds/kinds.ts";
import { UserInfoSchema } from "../wechat/kinds/user-info.ts";

const intro = `# Events

Every kind of push that wx-bridge knows by name: its routing key, its name in WeChat's documents, its fields. Consumers and HTTP backends get them as JSON under WeChat's own names. This page is generated (\`npm run docs\`); the same as JSON Schemas: [asyncapi.json](asyncapi.json).

- **bold**: always there in a push that came as XML; \`""\`, \`0\` or \`null\` when WeChat sent none.
- \`name[]\`: a list, even of one. \`name{…}\`: an element with others inside, text when it is empty.
- Everything is text but what is marked *number*, or *number or text* where WeChat sends both: read those with a parser that keeps every digit.
- Whatever else WeChat sends is passed on under its own name, and so is a push of a kind that is not here.
- A push of an account that is set to JSON is passed on to the byte: the same names, but nothing is filled in, ids may be numbers and a list of one may stand alone.
`;

/** `docs/events.md`: the table of kinds for people. */
export function eventsTable(): string {
  const parts = Object.entries(chapters).map(([title, kinds]) => chapter(title, kinds));
  return [intro, ...parts, userInfo()].join("\n");
}

function chapter(title: string, kinds: Record<string, TSchema>): string {
  const rows = Object.entries(kinds).map(([key, kind]) => {
    const {
      title = "",
      description = "",
      properties,
    } = kind as TSchema & {
      title?: string;
      description?: string;
      properties: Record<string, TSchema>;
    };
    return `| \`${key}\` | ${title} | ${description} | ${fieldsOf(properties)} |`;
  });
  return `## ${title}\n\n| routing key | WeChat's name | what it tells | fields |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

/** Fields that every push begins with need no telling again and again. */
const head = new Set(["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "InfoType"]);

function fieldsOf(properties: Record<string, TSchema>): string {
  const told = Object.entries(properties).filter(([name]) => !head.has(name));
  return told.map(([name, schema]) => fieldOf(name, schema)).join(", ");
}

function fieldOf(name: string, schema: TSchema): string {
  const variant = Type.IsUnion(schema) ? (schema.anyOf.find(isNested) ?? schema) : schema;
  const items = Type.IsArray(variant) ? variant.items : variant;
  const inner = Type.IsUnion(items) ? items.anyOf.find((each) => Type.IsObject(each)) : items;
  const children = inner !== undefined && Type.IsObject(inner) ? ` {${fieldsOf(inner.properties)}}` : "";
  const label = `${name}${Type.IsArray(variant) ? "[]" : ""}`;
  const marked = "default" in schema ? `**${label}**` : label;
  return `${marked}${kindOfNumber(schema)}${children}`;
}

function kindOfNumber(schema: TSchema): string {
  if (Type.IsInteger(schema)) return " *number*";
  return Type.IsUnion(schema) && schema.anyOf.some((each) => Type.IsInteger(each)) ? " *number or text*" : "";
}

function isNested(schema: TSchema): boolean {
  return Type.IsArray(schema) || Type.IsObject(schema);
}

function userInfo(): string {
  const rows = Object.entries(UserInfoSchema.properties).map(
    ([name, schema]) => `| \`${name}\` | ${(schema as { description?: string }).description ?? ""} |`,
  );
  return `## userInfo

Unless \`dont-append-userinfo\`, the dispatcher adds \`userInfo\` (what \`/cgi-bin/user/info\` returned, every field of it, or \`null\`) and \`userInfoError\` (why it is \`null\`, else \`""\`).

| field | |
| --- | --- |
${rows.join("\n")}
`;
}
