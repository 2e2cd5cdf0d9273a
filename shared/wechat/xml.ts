import { XMLParser, XMLValidator } from "fast-xml-parser";
import { Failure } from "../failure.ts";
import { isRepeatable } from "./kinds/derived.ts";
import { parseFlatXml } from "./flat-xml.ts";

/** An element of a push: its text, its children by name, or a list where it may stand more than once. */
export type XmlValue = string | XmlElement | XmlValue[];
export interface XmlElement {
  [name: string]: XmlValue;
}

/** fast-xml-parser's ordered tree: one key an object, `#text` with a string, any other with its children. */
type Node = { "#text"?: string } & { [name: string]: Node[] };

const CDATA = "#cdata";
/** Far deeper than any push, and shallow enough for recursion. */
const MAX_DEPTH = 64;

const parser = new XMLParser({
  preserveOrder: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: CDATA,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  jPath: false, // else every child costs the length of all the names it stands in
  onDangerousProperty: (name) => name, // an element is only ever an own property here
});

/**
 * Reads a push or an envelope, `<xml>…</xml>`, given as text or as its bytes in UTF-8. Text stays exactly as sent: nothing trimmed or turned into numbers,
 * CDATA joined, entities decoded once and only outside CDATA. An element that occurs twice, or that may, is a list.
 * Throws `MALFORMED_PUSH` for anything else, a DOCTYPE or another markup declaration above all.
 */
export function parseXml(xml: Buffer | string): XmlElement {
  const bytes = typeof xml === "string" ? Buffer.from(xml) : xml;
  return parseFlatXml(bytes, plainName) ?? parseAnyXml(xml.toString());
}

const NAME = /^[A-Za-z_][\w.-]*$/;
const MAX_NAMES = 1000;
/** Far longer than any of WeChat's; only shorter ones are kept, as anybody's envelope is read before it is verified. */
const MAX_NAME = 100;
/** Names met before: each is checked once, and has been a property's name, which is what makes it quick to be one. */
const names = new Map<string, string>();

function plainName(name: string): string | undefined {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (!NAME.test(name) || isRepeatable(name, "xml")) return undefined;
  const [plain = name] = Object.keys({ [name]: "" });
  if (plain.length <= MAX_NAME && names.size < MAX_NAMES) names.set(plain, plain);
  return plain;
}

function parseAnyXml(text: string): XmlElement {
  if (hasDeclaration(text)) throw new Failure("MALFORMED_PUSH", "a DOCTYPE is not accepted");
  const root = parseTree(text).find((node) => Array.isArray(node["xml"]))?.["xml"];
  if (root === undefined) throw new Failure("MALFORMED_PUSH", "the body has no <xml> root element");
  const value = toValue(root, "xml", 0);
  return typeof value === "string" || Array.isArray(value) ? {} : value;
}

function parseTree(text: string): Node[] {
  let tree: Node[] | undefined;
  try {
    if (XMLValidator.validate(text) === true) tree = parser.parse(text) as Node[];
  } catch {
    tree = undefined; // the parser's own words may quote the content
  }
  if (tree === undefined) throw new Failure("MALFORMED_PUSH", "the body is not well-formed XML");
  return tree;
}

const sectionEnds: Record<string, string> = { "<![CDATA[": "]]>", "<!--": "-->", "<?": "?>" };

/**
 * Finds `<!DOCTYPE`, `<!ENTITY` and the like, which the parser would partly take for elements. Users may write them in a
 * message: inside CDATA they are text. Reads the text once, whatever it holds.
 */
function hasDeclaration(text: string): boolean {
  const openings = /<!\[CDATA\[|<!--|<!|<\?/g;
  for (let opening = openings.exec(text); opening !== null; opening = openings.exec(text)) {
    const close = sectionEnds[opening[0]];
    if (close === undefined) return true;
    const end = text.indexOf(close, openings.lastIndex);
    if (end < 0) return false; // a section without an end is no XML at all
    openings.lastIndex = end + close.length;
  }
  return false;
}

function toValue(nodes: Node[], name: string, depth: number): XmlValue {
  if (depth > MAX_DEPTH) throw new Failure("MALFORMED_PUSH", `the body is nested deeper than ${MAX_DEPTH} elements`);
  let text = "";
  let children: XmlElement | undefined;
  for (const node of nodes) {
    const [key, value] = Object.entries(node)[0] as [string, Node[] | string];
    if (key === "#text") text += decodeEntities(value as string);
    else if (key === CDATA) text += (value as Node[])[0]?.["#text"] ?? "";
    else append((children ??= {}), key, toValue(value as Node[], key, depth + 1), name);
  }
  if (children === undefined) return text;
  if (text.trim() !== "") children["#text"] = text;
  return children;
}

function append(parent: XmlElement, name: string, value: XmlValue, parentName: string): void {
  const before = Object.hasOwn(parent, name) ? parent[name] : undefined;
  if (Array.isArray(before)) before.push(value);
  else if (before !== undefined) parent[name] = [before, value];
  else parent[name] = isRepeatable(name, parentName) ? [value] : value;
}

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** XML's five entities and numeric references; whatever else looks like one stays as it is. */
function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));/g, (whole, dec, hex, name) => {
    if (name !== undefined) return entities[name] as string;
    const code = dec === undefined ? Number.parseInt(hex, 16) : Number(dec);
    const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : whole;
  });
}
