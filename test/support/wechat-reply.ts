import { isRecord, parseRecord } from "./json-record.ts";
import { parseStrictXml, type XmlElement } from "./strict-xml.ts";

/** A passive reply as WeChat reads it: its own names; text as text, `CreateTime` and `ArticleCount` as numbers. */
export type PassiveReply = Readonly<Record<string, unknown>>;

type Shape = { required: readonly string[]; optional?: readonly string[] };

const base = ["ToUserName", "FromUserName", "CreateTime", "MsgType"];
const numbers = new Set(["CreateTime", "ArticleCount"]);

const shapes: Readonly<Record<string, Shape>> = {
  text: { required: ["Content"] },
  image: { required: ["Image"] },
  voice: { required: ["Voice"] },
  video: { required: ["Video"] },
  music: { required: ["Music"] },
  news: { required: ["ArticleCount", "Articles"] },
  transfer_customer_service: { required: [], optional: ["TransInfo"] },
};

const nested: Readonly<Record<string, Shape>> = {
  Image: { required: ["MediaId"] },
  Voice: { required: ["MediaId"] },
  Video: { required: ["MediaId"], optional: ["Title", "Description"] },
  Music: { required: ["ThumbMediaId"], optional: ["Title", "Description", "MusicUrl", "HQMusicUrl"] },
  Articles: { required: ["item"] },
  item: { required: ["Title", "Description", "PicUrl", "Url"] },
  TransInfo: { required: ["KfAccount"] },
};

/**
 * Reads a passive reply (XML or JSON) strictly by WeChat's reply grammar: the elements of its MsgType, each once, none
 * else. In XML the items of `Articles` are the array `Articles.item`, even a single one; in JSON `Articles` is the array.
 * Throws when WeChat would show its user an error; `success` and the empty answer are no passive replies.
 */
export function parseReply(text: string): PassiveReply {
  const isJson = text.startsWith("{");
  const reply = isJson ? parseRecord(text) : readXml(text);
  if (isJson && "Articles" in reply && !Array.isArray(reply["Articles"]))
    throw new Error("malformed reply: Articles is no list");
  checkReply(reply);
  return reply;
}

/** The text of a passive reply that is one; undefined for other types. Throws as `parseReply` does. */
export function contentOf({ opened }: { opened: string }): unknown {
  return parseReply(opened)["Content"];
}

function readXml(text: string): Record<string, unknown> {
  const root = parseStrictXml(text);
  if (root.name !== "xml") throw new Error(`malformed reply: the root is <${root.name}>`);
  return readChildren(root);
}

function readChildren(element: XmlElement): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const child of element.children) {
    if (child.name === "item") result["item"] = [...asList(result["item"]), readChildren(child)];
    else if (Object.hasOwn(result, child.name)) throw new Error(`malformed reply: <${child.name}> twice`);
    else result[child.name] = readValue(child);
  }
  return result;
}

function readValue(element: XmlElement): unknown {
  if (element.children.length > 0) return readChildren(element);
  return numbers.has(element.name) && /^\d+$/.test(element.text) ? Number(element.text) : element.text;
}

function checkReply(reply: Record<string, unknown>): void {
  const { MsgType, CreateTime, ArticleCount } = reply;
  const shape = typeof MsgType === "string" && Object.hasOwn(shapes, MsgType) ? shapes[MsgType] : undefined;
  if (!shape) throw new Error(`malformed reply: MsgType ${JSON.stringify(MsgType)}`);
  checkShape("reply", reply, { ...shape, required: [...base, ...shape.required] });
  if (!/^[1-9]\d{9}$/.test(String(CreateTime))) throw new Error("malformed reply: CreateTime is not in seconds");
  if (MsgType === "news") checkArticles(ArticleCount, articlesOf(reply["Articles"]));
}

function checkShape(name: string, value: Record<string, unknown>, { required, optional = [] }: Shape): void {
  for (const key of required) if (!Object.hasOwn(value, key)) throw new Error(`malformed reply: ${name} lacks ${key}`);
  for (const [key, inner] of Object.entries(value)) {
    if (!required.includes(key) && !optional.includes(key)) throw new Error(`malformed reply: ${key} in ${name}`);
    checkValue(key, inner);
  }
}

function checkValue(key: string, value: unknown): void {
  if (Array.isArray(value) && (key === "item" || key === "Articles")) {
    for (const item of value) checkValue("item", item);
    return;
  }
  const shape = nested[key];
  if (shape && isRecord(value)) checkShape(key, value, shape);
  else if (shape || typeof value !== (numbers.has(key) ? "number" : "string"))
    throw new Error(`malformed reply: ${key}`);
}

function checkArticles(count: unknown, articles: readonly unknown[]): void {
  if (articles.length < 1 || articles.length > 8) throw new Error("malformed reply: not 1 to 8 articles");
  if (count !== articles.length) throw new Error("malformed reply: ArticleCount differs from the articles");
}

function articlesOf(value: unknown): readonly unknown[] {
  return asList(isRecord(value) ? value["item"] : value);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
