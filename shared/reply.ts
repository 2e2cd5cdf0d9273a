import { Type, type Static, type TObject } from "typebox";
import { Compile } from "typebox/schema";
import { isRecord } from "./is-record.ts";

const text = (description: string, constraints: object = {}) => Type.String({ description, ...constraints });
const msg = (description: string) => text(description, { minLength: 1 });

const Article = Type.Object({
  title: text("Title"),
  desc: Type.Optional(text("Description")),
  picUrl: Type.Optional(text("Picture, 360×200 for the first and 200×200 for the others")),
  url: Type.Optional(text("Page that opens")),
});

/** Longest text WeChat delivers as a passive reply, in bytes of UTF-8. */
const MAX_TEXT_BYTES = 2048;
const MAX_ARTICLES = 8;

/** Longest reply that is read, in bytes. */
export const MAX_REPLY_BYTES = 1024 * 1024;
/** By so much a backend's reply may have grown that a dispatcher passes on: it names the type. */
const PASSED_ON = 64;

/** Every reply a backend or an AMQP consumer can give (开发者文档 "被动回复用户消息"), by `type`. */
const schemas = {
  success: Type.Object({ type: Type.Literal("success") }, { description: "Answer WeChat and say nothing to the user" }),
  text: Type.Object({ type: Type.Literal("text"), msg: msg("What the user reads, at most 2048 bytes") }),
  image: Type.Object({ type: Type.Literal("image"), msg: msg("Media id (MediaId)") }),
  voice: Type.Object({ type: Type.Literal("voice"), msg: msg("Media id (MediaId)") }),
  video: Type.Object({
    type: Type.Literal("video"),
    msg: msg("Media id (MediaId)"),
    title: Type.Optional(text("Title", { default: "[no title]" })),
    desc: Type.Optional(text("Description", { default: "[no desc]" })),
  }),
  music: Type.Object({
    type: Type.Literal("music"),
    msg: msg("Media id of the thumbnail (ThumbMediaId)"),
    title: Type.Optional(text("Title")),
    desc: Type.Optional(text("Description")),
    url: Type.Optional(text("Link to the music (MusicUrl)")),
    hqUrl: Type.Optional(text("Link used on Wi-Fi (HQMusicUrl)")),
  }),
  news: Type.Object({
    type: Type.Literal("news"),
    articles: Type.Array(Article, {
      minItems: 1,
      maxItems: MAX_ARTICLES,
      description: "Of those that answer a message, not an event, WeChat shows the first alone",
    }),
  }),
  transfer_customer_service: Type.Object({
    type: Type.Literal("transfer_customer_service"),
    kfAccount: Type.Optional(text("The customer-service account that takes over; any when absent")),
  }),
  raw: Type.Object({ type: Type.Literal("raw"), msg: msg("The answer's own text, sealed when the push was") }),
};

export type ReplyType = keyof typeof schemas;
export type Reply = { [K in ReplyType]: Static<(typeof schemas)[K]> }[ReplyType];

/** The reply as one JSON Schema, for documents. */
export const ReplySchema = Type.Union(Object.values(schemas), { description: "A reply to a push" });

const validators = Object.fromEntries(
  Object.entries(schemas).map(([type, schema]) => [type, Compile(schema)]),
) as unknown as Record<ReplyType, { Check(value: unknown): value is Reply }>;

export const success: Reply = { type: "success" };

/** A reply that can be rendered, and why it is `success` when the text held something that cannot. */
export interface ReadReply {
  reply: Reply;
  unusable?: string;
}

/**
 * Reads a reply's JSON text. Names of keys may be in any case, no `type` or an empty one means text, no `msg` means
 * success, and what follows the JSON value is ignored, as the seed's program does. With `raw` (视频号小店) `msg` is the
 * answer whatever the type. Never throws: what cannot be used is `success` with the reason.
 */
export function readReply(json: string, { raw = false }: { raw?: boolean } = {}): ReadReply {
  const value = parseLeading(json);
  if (!isRecord(value)) return unusable("it is not a JSON object");
  const fields = withKnownCase(value);
  const type = raw ? "raw" : (saidType(fields) ?? "text");
  if (!isReplyType(type)) return unusable(`its type is none of ${Object.keys(schemas).join(", ")}`);
  if ("msg" in schemas[type].properties && (fields["msg"] ?? "") === "") return { reply: success };
  fields["type"] = type;
  const candidate = pickKnown(schemas[type], fields);
  if (!validators[type].Check(candidate)) return unusable(`its fields do not fit type ${type}`);
  if (candidate.type === "text" && Buffer.byteLength(candidate.msg) > MAX_TEXT_BYTES) {
    return unusable(`its text is longer than ${MAX_TEXT_BYTES} bytes`);
  }
  return { reply: candidate };
}

/** Reads a reply as it came over AMQP. */
export function readReplyBody(body: Buffer, options?: { raw?: boolean }): ReadReply {
  return body.length > MAX_REPLY_BYTES + PASSED_ON ? tooLong : readReply(body.toString("utf8"), options);
}

/** Whether a value is meant as a reply: an object of a known `type`, or one without that has a text for `msg`. */
export function looksLikeReply(value: unknown): value is Reply {
  if (!isRecord(value)) return false;
  const fields = withKnownCase(value);
  const type = saidType(fields);
  return type === undefined ? typeof fields["msg"] === "string" : isReplyType(type);
}

export const tooLong: ReadReply = unusable("it is longer than 1 MiB");

/** An empty type says none: backends that write every field of a struct send one. */
function saidType({ type }: Record<string, unknown>): unknown {
  return type === "" ? undefined : type;
}

function unusable(reason: string): ReadReply {
  return { reply: success, unusable: reason };
}

/**
 * What the type knows, and nothing else: a backend's other fields may be nested too deep to be written, or big, and nobody
 * reads them.
 */
function pickKnown({ properties }: TObject, fields: Record<string, unknown>): unknown {
  const picked: Record<string, unknown> = {};
  for (const name in properties) {
    if (name in fields) picked[name] = name === "articles" ? pickArticles(fields[name]) : fields[name];
  }
  return picked;
}

/** Of more than WeChat takes, the first ones: of too many it sends those inside the limit, too. */
function pickArticles(articles: unknown): unknown {
  if (!Array.isArray(articles)) return undefined;
  return articles
    .slice(0, MAX_ARTICLES)
    .map((article: unknown) => (isRecord(article) ? pickKnown(Article, withKnownCase(article)) : article));
}

function isReplyType(type: unknown): type is ReplyType {
  return typeof type === "string" && Object.hasOwn(schemas, type);
}

/** Go's decoder stops at the end of the first value; V8 names the place where it met the rest. */
function parseLeading(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const end = /^Unexpected non-whitespace character after JSON at position (\d+)/.exec((error as Error).message)?.[1];
    if (end === undefined) return undefined;
    return parseLeading(json.slice(0, Number(end)));
  }
}

const names = new Set([Article, ...Object.values(schemas)].flatMap(({ properties }) => Object.keys(properties)));
/** Names of fields by their spelling and by that in lower case. */
const knownKeys = new Map([...names].flatMap((name) => [[name, name] as const, [name.toLowerCase(), name] as const]));

function withKnownCase(value: Record<string, unknown>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key in value) {
    const known = knownKeys.get(key) ?? knownKeys.get(key.toLowerCase());
    const field = value[key];
    if (known !== undefined && field !== null && (key === known || fields[known] === undefined)) fields[known] = field;
  }
  return fields;
}
