import { isAscii } from "node:buffer";
import type { XmlElement } from "./xml.ts";

const CDATA_OPEN = "<![CDATA[";
const CDATA_CLOSE = "]]>";

/** An element's name as V8 finds properties by it; undefined for what is none, or may be a list. */
export type PlainName = (name: string) => string | undefined;

/** What no ASCII has, in bytes read as Latin-1. */
const HIGH = /[\x80-\xFF]/;

/**
 * Reads the shape that almost every push and every envelope has: `<xml>` with elements of its own that hold one CDATA
 * section or plain text each, in UTF-8. Anything else, well-formed or not, is undefined: it is the parser's to read. A push
 * costs a tenth of the parser's time this way. Markup is ASCII, so it is found in the bytes as they are, and only texts
 * with more than that are decoded: the others, names and numbers, stay strings of one byte a character, which cost half as
 * much wherever they go.
 */
export function parseFlatXml(bytes: Buffer, plainName: PlainName): XmlElement | undefined {
  const text = bytes.toString("latin1");
  if (!text.startsWith("<xml>") || text.includes("\r")) return undefined;
  const firstHigh = isAscii(bytes) ? bytes.length : text.search(HIGH);
  const fields: XmlElement = {};
  let at = skipBlanks(text, "<xml>".length);
  while (!text.startsWith("</xml>", at)) {
    const nameEnd = text.indexOf(">", at);
    if (text[at] !== "<" || nameEnd < 0) return undefined;
    const name = plainName(text.slice(at + 1, nameEnd));
    if (name === undefined || name in fields) return undefined;
    const found = findText(text, nameEnd + 1);
    if (found === undefined || !isClosed(text, name, found.closedAt)) return undefined;
    const value = text.slice(found.start, found.end);
    const isOneByte = found.end <= firstHigh || !HIGH.test(value);
    fields[name] = isOneByte ? value : bytes.toString("utf8", found.start, found.end);
    at = skipBlanks(text, found.closedAt + name.length + "</>".length);
  }
  return skipBlanks(text, at + "</xml>".length) === text.length ? fields : undefined;
}

/** Whether the element's end is what stands at `at`. Put together to be compared, it would have to be made each time. */
function isClosed(text: string, name: string, at: number): boolean {
  return text.startsWith("</", at) && text.startsWith(name, at + 2) && text[at + 2 + name.length] === ">";
}

/** Where an element's text lies: in one CDATA section, or without markup and entities; its end tag is at `closedAt`. */
function findText(text: string, at: number): { start: number; end: number; closedAt: number } | undefined {
  if (text.startsWith(CDATA_OPEN, at)) {
    const start = at + CDATA_OPEN.length;
    const end = text.indexOf(CDATA_CLOSE, start);
    return end < 0 ? undefined : { start, end, closedAt: end + CDATA_CLOSE.length };
  }
  const end = text.indexOf("<", at);
  return end < 0 || text.slice(at, end).includes("&") ? undefined : { start: at, end, closedAt: end };
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  for (let code = text.charCodeAt(at); code === 32 || code === 10 || code === 9; code = text.charCodeAt(at)) at++;
  return at;
}
