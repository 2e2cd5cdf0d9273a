import type { Reply } from "../shared/reply.ts";
import type { Push, PushFormat } from "../shared/wechat/push.ts";
import { signatureOf } from "../shared/wechat/signature.ts";
import type { Seal } from "./open-push.ts";

/** What WeChat takes as "got it, nothing to say"; never sealed. */
const SUCCESS = "success";

type News = Extract<Reply, { type: "news" }>;

/** A passive reply's content: names in WeChat's words, nested as WeChat nests them; what is undefined is left out. */
type Content = { [name: string]: string | number | Content | Content[] | undefined };

/** The text WeChat gets for a reply: a passive reply (被动回复) from the account to the user in the push's format. */
export function renderReply(
  reply: Reply,
  push: Pick<Push, "ToUserName" | "FromUserName" | "format">,
  now: number = Date.now(),
): string {
  if (reply.type === "success") return SUCCESS;
  if (reply.type === "raw") return reply.msg;
  const passiveReply: Content = {
    ToUserName: push.FromUserName,
    FromUserName: push.ToUserName,
    CreateTime: Math.floor(now / 1000),
    MsgType: reply.type,
    ...contentOf(reply, push.format),
  };
  return push.format === "xml" ? toXml(passiveReply) : JSON.stringify(passiveReply);
}

function contentOf(reply: Exclude<Reply, { type: "success" | "raw" }>, format: PushFormat): Content {
  switch (reply.type) {
    case "text":
      return { Content: reply.msg };
    case "image":
      return { Image: { MediaId: reply.msg } };
    case "voice":
      return { Voice: { MediaId: reply.msg } };
    case "video":
      return {
        Video: { MediaId: reply.msg, Title: reply.title || "[no title]", Description: reply.desc || "[no desc]" },
      };
    case "music":
      return {
        Music: {
          Title: reply.title,
          Description: reply.desc,
          MusicUrl: reply.url,
          HQMusicUrl: reply.hqUrl,
          ThumbMediaId: reply.msg,
        },
      };
    case "news": {
      const articles = reply.articles.map(articleOf);
      // In JSON WeChat wants the list itself (云托管 文档 "消息推送回复").
      return { ArticleCount: articles.length, Articles: format === "xml" ? { item: articles } : articles };
    }
    default:
      return reply.kfAccount ? { TransInfo: { KfAccount: reply.kfAccount } } : {};
  }
}

function articleOf({ title, desc = "", picUrl = "", url = "" }: News["articles"][number]): Content {
  return { Title: title, Description: desc, PicUrl: picUrl, Url: url };
}

/** Seals an answer as the push was sealed, with the push's timestamp and nonce; `success` stays as it is. */
export function sealAnswer(text: string, seal: Seal | undefined): string {
  if (seal === undefined || text === SUCCESS || text === "") return text;
  const { sealer, token, appId, timestamp, nonce } = seal;
  const encrypt = sealer.seal(text, appId);
  const signature = signatureOf(token, timestamp, nonce, encrypt);
  if (seal.format === "json") {
    const TimeStamp = /^\d{1,15}$/.test(timestamp) ? Number(timestamp) : timestamp;
    return JSON.stringify({ Encrypt: encrypt, MsgSignature: signature, TimeStamp, Nonce: nonce });
  }
  const stamp = /^\d+$/.test(timestamp) ? timestamp : cdata(timestamp);
  return `<xml>
<Encrypt><![CDATA[${encrypt}]]></Encrypt>
<MsgSignature><![CDATA[${signature}]]></MsgSignature>
<TimeStamp>${stamp}</TimeStamp>
<Nonce>${cdata(nonce)}</Nonce>
</xml>`;
}

function toXml(content: Content): string {
  return `<xml>\n${elements(content)}</xml>`;
}

function elements(content: Content): string {
  let xml = "";
  for (const name in content) {
    const value = content[name];
    if (value === undefined) continue;
    if (!Array.isArray(value)) xml += element(name, value);
    else for (const one of value) xml += element(name, one);
  }
  return xml;
}

function element(name: string, value: string | number | Content): string {
  return `<${name}>${inner(value)}</${name}>\n`;
}

function inner(value: string | number | Content): string {
  if (typeof value === "object") return `\n${elements(value)}`;
  return typeof value === "number" ? String(value) : cdata(value);
}

/** The characters XML 1.0 forbids, as part of a regular expression. */
const illegal = String.raw`\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF`;
const forbidden = new RegExp(`[${illegal}]`, "g");
/** What almost no text has: something forbidden, half a surrogate pair or `]]>`. */
const unusual = new RegExp(String.raw`[${illegal}\uD800-\uDFFF]|\]\]>`, "u");

/** CDATA that nothing in `text` can end: `]]>` is split over two sections; what XML forbids is left out. */
function cdata(text: string): string {
  if (!unusual.test(text)) return `<![CDATA[${text}]]>`;
  const legal = text.toWellFormed().replaceAll(forbidden, "");
  return `<![CDATA[${legal.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
}
