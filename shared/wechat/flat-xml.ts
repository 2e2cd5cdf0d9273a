import type { XmlElement } from "./xml.ts";

const CDATA_OPEN = "<![CDATA[";
const CDATA_CLOSE = "]]>";

/** An element's name as V8 finds properties by it; undefined for what is none, or may be a list. */
export type PlainName = (name: string) => string | undefined;

/**
 * Reads the shape that almost every push and every envelope has: `<xml>` with elements of its own that hold one CDATA
 * section or plain text each. Anything else, well-formed or not, is undefined: it is the parser's to read. A push costs
 * a tenth of the parser's time this way.
 */
export function parseFlatXml(text: string, plainName: PlainName): XmlElement | undefined {
  if (!text.startsWith("<xml>") || text.includes("\r")) return undefined;
  const fields: XmlElement = {};
  let at = skipBlanks(text, "<xml>".length);
  while (!text.startsWith("</xml>", at)) {
    const nameEnd = text.indexOf(">", at);
    if (text[at] !== "<" || nameEnd < 0) return undefined;
    const name = plainName(text.slice(at + 1, nameEnd));
    if (name === undefined || name in fields) return undefined;
    const value = readText(text, nameEnd + 1);
    if (value === undefined || !isClosed(text, name, value.end)) return undefined;
    fields[name] = value.text;
    at = skipBlanks(text, value.end + name.length + "</>".length);
  }
  return skipBlanks(text, at + "</xml>".length) === text.length ? fields : undefined;
}

/** Whether the element's end is what stands at `at`. Put together to be compared, it would have to be made each time. */
function isClosed(text: string, name: string, at: number): boolean {
  return text.startsWith("</", at) && text.startsWith(name, at + 2) && text[at + 2 + name.length] === ">";
}

/** One CDATA section, or text without markup and entities. */
function readText(text: string, start: number): { text: string; end: number } | undefined {
  if (text.startsWith(CDATA_OPEN, start)) {
    const close = text.indexOf(CDATA_CLOSE, start + CDATA_OPEN.length);
    if (close < 0) return undefined;
    return { text: text.slice(start + CDATA_OPEN.length, close), end: close + CDATA_CLOSE.length };
  }
  const end = text.indexOf("<", start);
  const plain = text.slice(start, end);
  return end < 0 || plain.includes("&") || plain.includes(CDATA_CLOSE) ? undefined : { text: plain, end };
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  for (let code = text.charCodeAt(at); code === 32 || code === 10 || code === 9; code = text.charCodeAt(at)) at++;
  return at;
}
