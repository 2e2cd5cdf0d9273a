import type { XmlElement, XmlValue } from "./xml.ts";

/** A field's value where WeChat did not send it: text "", a number 0, a list null. */
type Absent = "" | 0 | null;
type Fields = Record<string, Absent>;

/** Elements that are JSON numbers wherever they stand; everything else is text. */
export const numberFields: ReadonlySet<string> = new Set([
  "CreateTime",
  "Scale",
  "Count",
  "TotalCount",
  "FilterCount",
  "SentCount",
  "ErrorCount",
  "ResultCount",
]);

const base: Fields = { ToUserName: "", FromUserName: "", CreateTime: 0, MsgType: "" };
const event: Fields = { ...base, Event: "" };
const message: Fields = { ...base, MsgId: "" };

const media = { MediaId: "" } as const;
const video: Fields = { ...message, ...media, ThumbMediaId: "" };
const subscription: Fields = { ...event, EventKey: "", Ticket: "" };
const place: Fields = { Location_X: "", Location_Y: "", Scale: 0, Label: "" };
const pictures: Fields = { ...event, EventKey: "", Count: 0, PicList: null };
const scan: Fields = { ...event, EventKey: "", ScanType: "", ScanResult: "" };

/**
 * Fields that are always there, by routing key, in the order they are sent to backends (开发者文档 "接收普通消息",
 * "接收事件推送"). A kind that is missing here passes with the elements WeChat sent.
 */
const fieldsByKey: Record<string, Fields> = {
  "msg.text": { ...message, Content: "" },
  "msg.image": { ...message, PicUrl: "", ...media },
  "msg.voice": { ...message, ...media, Format: "", Recognition: "" },
  "msg.video": video,
  "msg.shortvideo": video,
  "msg.location": { ...message, ...place },
  "msg.link": { ...message, Title: "", Description: "", Url: "" },
  "event.CLICK": { ...event, EventKey: "" },
  "event.VIEW": { ...event, EventKey: "", MenuId: "" },
  "event.subscribe": subscription,
  "event.unsubscribe": subscription,
  "event.SCAN": subscription,
  "event.location": { ...event, ...place, MsgId: "" },
  "event.LOCATION": { ...event, Latitude: "", Longitude: "", Precision: "" },
  "event.pic_sysphoto": pictures,
  "event.pic_photo_or_album": pictures,
  "event.pic_weixin": pictures,
  "event.scancode_waitmsg": scan,
  "event.scancode_push": scan,
  "event.MASSSENDJOBFINISH": {
    ...event,
    MsgID: "",
    Status: "",
    TotalCount: 0,
    FilterCount: 0,
    SentCount: 0,
    ErrorCount: 0,
    ResultCount: 0,
    ResultList: null,
  },
  "event.TEMPLATESENDJOBFINISH": { ...event, MsgId: "", Status: "" },
};

const articleResult = {
  ArticleIdx: "",
  UserDeclareState: "",
  AuditState: "",
  OriginalArticleUrl: "",
  OriginalArticleType: "",
  CanReprint: "",
  NeedReplaceContent: "",
  NeedShowReprintSource: "",
} as const;

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

function flattenPictures(sent: XmlElement): XmlElement {
  const info = elementOf(sent["SendPicsInfo"]);
  const items = itemsOf(info["PicList"]).map((item) => textOf(item["PicMd5Sum"]));
  return { ...picked(info, "Count"), ...(items.length > 0 ? { PicList: items } : {}) };
}

function flattenScan(sent: XmlElement): XmlElement {
  return picked(elementOf(sent["ScanCodeInfo"]), "ScanType", "ScanResult");
}

function flattenCopyrightCheck(sent: XmlElement): XmlElement {
  const check = elementOf(sent["CopyrightCheckResult"]);
  const items = itemsOf(check["ResultList"]).map((item) => ({
    ...articleResult,
    ...picked(item, ...Object.keys(articleResult)),
  }));
  return {
    ...("Count" in check ? { ResultCount: check["Count"] } : {}),
    ...(items.length > 0 ? { ResultList: items } : {}),
  };
}

/**
 * The event as backends get it: the kind's own fields first, absent ones filled in, then everything else WeChat sent.
 * Fields the kind knows as text or numbers stay so when a push repeats them: the first one counts.
 */
export function eventFields(routingKey: string, sent: XmlElement): Record<string, unknown> {
  const fields = fieldsByKey[routingKey] ?? {};
  const flat = flattenByKey[routingKey]?.(sent);
  const all: Record<string, unknown> = { ...fields, ...sent, ...flat };
  for (const [name, absent] of Object.entries(fields)) {
    if (absent !== null) all[name] = textOf(all[name] as XmlValue);
  }
  return withNumbers(all) as Record<string, unknown>;
}

function withNumbers(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => withNumbers(item, name));
  if (typeof value === "object" && value !== null) {
    const element = value as Record<string, unknown>;
    for (const key in element) element[key] = withNumbers(element[key], key);
    return element;
  }
  return numberFields.has(name) ? toInteger(value) : value;
}

function toInteger(value: unknown): number {
  const text = String(value).trim();
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : 0;
  return Number.isSafeInteger(number) ? number : 0;
}

/** The text of an element: of the first one in a list, of none when it has children. */
export function textOf(value: XmlValue | number | undefined): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
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

/** Kinds whose fields are passed as WeChat sent them, known by name. */
const plainKeys = [
  "msg.file",
  "event.location_select",
  "event.view_miniprogram",
  "event.media_id",
  "event.view_limited",
  "event.subscribe_msg_popup_event",
  "event.subscribe_msg_change_event",
  "event.subscribe_msg_sent_event",
  "event.user_get_card",
  "event.kf_create_session",
  "event.kf_close_session",
  "event.kf_switch_session",
  "event.wxa_media_check",
  "event.user_enter_tempsession",
  "event.PUBLISHJOBFINISH",
  "event.channels_ec_order_cancel",
  "event.channels_ec_order_pay",
  "event.channels_ec_order_confirm",
  "event.channels_ec_order_deliver",
  "event.channels_ec_order_settle",
  "event.channels_ec_aftersale_update",
  "info.component_verify_ticket",
  "info.authorized",
  "info.updateauthorized",
  "info.unauthorized",
];
const knownKeys: ReadonlySet<string> = new Set([...Object.keys(fieldsByKey), ...plainKeys]);

/** Whether WeChat's documents name this kind of push. Unknown ones pass all the same. */
export function knownKey(routingKey: string): boolean {
  return knownKeys.has(routingKey);
}
