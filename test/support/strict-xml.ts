/** An element read by `parseStrictXml`: either text (CDATA sections joined, entities decoded) or child elements. */
export interface XmlElement {
  name: string;
  text: string;
  children: XmlElement[];
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const tokens = /<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.-]*)\s*(\/?)>|([^<]+)/y;
const legal = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u;

interface OpenElement extends XmlElement {
  hasText: boolean;
}

/**
 * Reads the XML that WeChat accepts as an answer and nothing more: no attributes, comments, declarations, DOCTYPE, mixed
 * content, characters that XML forbids or stray `&` and `]]>`. Throws with the offset of the first fault.
 */
export function parseStrictXml(xml: string): XmlElement {
  if (!legal.test(xml)) throw new Error("malformed XML: a character that XML forbids");
  const document: OpenElement = { name: "", text: "", children: [], hasText: false };
  const open = [document];
  let offset = 0;
  while (offset < xml.length) {
    tokens.lastIndex = offset;
    const token = tokens.exec(xml);
    if (!token) throw new Error(`malformed XML at offset ${offset}`);
    readToken(token, open, offset);
    offset = tokens.lastIndex;
  }
  const root = document.children[0];
  if (open.length !== 1 || !root || document.children.length !== 1)
    throw new Error("malformed XML: not one whole element");
  checkContent(document);
  return root;
}

function readToken(token: RegExpExecArray, open: OpenElement[], offset: number): void {
  const [, cdata, slash, name, selfClosing, text] = token;
  const current = open.at(-1);
  if (!current) throw new Error(`malformed XML at offset ${offset}: an end without a start`);
  if (cdata !== undefined) addText(current, cdata, true);
  else if (text !== undefined) addText(current, decodeText(text, offset), /\S/.test(text));
  else if (slash) closeElement(open, name ?? "", offset, selfClosing);
  else openElement(open, current, name ?? "", selfClosing === "/");
}

function addText(element: OpenElement, text: string, counts: boolean): void {
  element.text += text;
  element.hasText ||= counts;
}

function openElement(open: OpenElement[], parent: OpenElement, name: string, empty: boolean): void {
  const element: OpenElement = { name, text: "", children: [], hasText: false };
  parent.children.push(element);
  if (!empty) open.push(element);
}

function closeElement(open: OpenElement[], name: string, offset: number, selfClosing: string | undefined): void {
  const element = open.pop();
  if (element?.name !== name || selfClosing)
    throw new Error(`malformed XML at offset ${offset}: </${name}> closes nothing`);
  checkContent(element);
}

function checkContent(element: OpenElement): void {
  if (element.children.length === 0) return;
  if (element.hasText) throw new Error(`malformed XML: text beside elements in <${element.name}>`);
  element.text = "";
}

function decodeText(text: string, offset: number): string {
  if (text.includes("]]>")) throw new Error(`malformed XML at offset ${offset}: ]]> in text`);
  return text.replaceAll(/&([^;&]*;?)/g, (_match, reference: string) => decodeReference(reference, offset));
}

function decodeReference(reference: string, offset: number): string {
  const [, name = "", hex, decimal] = /^(?:([a-z]+)|#x([0-9a-fA-F]+)|#([0-9]+));$/.exec(reference) ?? [];
  const number = hex ? Number.parseInt(hex, 16) : Number(decimal ?? Number.NaN);
  const decoded = number <= 0x10_ffff ? String.fromCodePoint(number) : entities[name];
  if (decoded === undefined || !legal.test(decoded))
    throw new Error(`malformed XML at offset ${offset}: &${reference}`);
  return decoded;
}
