import { absentFields, numberFields } from "./kinds/derived.ts";
import { articleResult } from "./kinds/job-events.ts";
import type { XmlElement, XmlValue } from "./xml.ts";

/** An article in the flat ResultList has all of its fields. */
const emptyArticle: XmlElement = Object.fromEntries(Object.keys(articleResult).map((name) => [name, ""]));

/** Names that lie flat in the event although WeChat nests them, beside WeChat's own nested element. */
const flattenByKey: Record<string, (sent: XmlElement) => XmlElement> = {
  "event.pic_sysphoto": flattenPictures,
  "event.pic_photo_or_album": flattenPictures,
  "event.pic_weixin": flattenPictures,
  "event.scancode_waitmsg": flattenScan,
  "event.scancode_push": flattenScan,
  "event.MASSSENDJOBFINISH": flattenCopyrightCheck,
  "event.TEMPLATESENDJOBFINISH": (sent) => ("MsgID" in sent ? { MsgId: textOf(sent["MsgID"]) } : {}),
};

/** Of several pictures WeChat may write a PicList each instead of one for all: they are one here, as documented. */
function flattenPictures(sent: XmlElement): XmlElement {
  const info = elementOf(sent["SendPicsInfo"]);
  const lists = info["PicList"];
  if (Array.isArray(lists)) info["PicList"] = { item: lists.flatMap((list) => elementOf(list)["item"] ?? []) };
  const items = itemsOf(info["PicList"]).map((item) => textOf(item["PicMd5Sum"]));
  return { ...picked(info, "Count"), ...(items.length > 0 ? { PicList: items } : {}) };
}

function flattenScan(sent: XmlElement): XmlElement {
  return picked(elementOf(sent["ScanCodeInfo"]), "ScanType", "ScanResult");
}

function flattenCopyrightCheck(sent: XmlElement): XmlElement {
  const check = elementOf(sent["CopyrightCheckResult"]);
  const items = itemsOf(check["ResultList"]).map((item) => ({
    ...emptyArticle,
    ...picked(item, ...Object.keys(emptyArticle)),
  }));
  return {
    ...("Count" in check ? { ResultCount: check["Count"] } : {}),
    ...(items.length > 0 ? { ResultList: items } : {}),
  };
}

/**
 * The event as backends get it: the kind's own fields first, absent ones filled in, then everything else WeChat sent.
 * Fields the kind knows as text or numbers stay so when a push repeats them: the first one counts. Nothing is known of
 * the numbers in other kinds: what is no integer there stays as sent.
 */
export function eventFields(routingKey: string, sent: XmlElement): Record<string, unknown> {
  const known: Readonly<Record<string, unknown>> | undefined = absentFields.get(routingKey);
  const fields = { ...known };
  const flat = flattenByKey[routingKey]?.(sent) ?? {};
  for (const from of [sent, flat]) {
    for (const name in from) {
      const isOne = known?.[name] === "" || known?.[name] === 0;
      fields[name] = withNumbers(isOne ? textOf(from[name]) : from[name], name, known !== undefined);
    }
  }
  return fields;
}

function withNumbers(value: unknown, name: string, isKnown: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => withNumbers(item, name, isKnown));
  if (typeof value === "object" && value !== null) {
    const element = value as Record<string, unknown>;
    for (const key in element) element[key] = withNumbers(element[key], key, isKnown);
    return element;
  }
  return numberFields.has(name) ? (toInteger(value) ?? (isKnown ? 0 : value)) : value;
}

function toInteger(value: unknown): number | undefined {
  const text = String(value).trim();
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** The text of an element: of the first one in a list, of none when it has children. */
export function textOf(value: XmlValue | undefined): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return textOf(value[0]);
  return textOf(value?.["#text"] ?? "");
}

function elementOf(value: XmlValue | undefined): XmlElement {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === "object" && !Array.isArray(first) ? first : {};
}

function itemsOf(list: XmlValue | undefined): XmlElement[] {
  const items = elementOf(list)["item"];
  return Array.isArray(items) ? items.map(elementOf) : [];
}

function picked(element: XmlElement, ...names: string[]): XmlElement {
  return Object.fromEntries(names.filter((name) => name in element).map((name) => [name, textOf(element[name])]));
}
