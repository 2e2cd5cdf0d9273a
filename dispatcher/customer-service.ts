import type { Reply } from "../shared/reply.ts";

type News = Extract<Reply, { type: "news" }>;
type Music = Extract<Reply, { type: "music" }>;
type Video = Extract<Reply, { type: "video" }>;

/**
 * The body of `/cgi-bin/message/custom/send` (开发者文档 "发送客服消息") that says the same as a passive reply; undefined
 * for replies that say nothing to the user. Of several articles the first is sent: WeChat takes one.
 */
export function customerServiceMessage(touser: string, reply: Reply): object | undefined {
  const content = contentOf(reply);
  return content && { touser, msgtype: reply.type, [reply.type]: content };
}

function contentOf(reply: Reply): object | undefined {
  switch (reply.type) {
    case "text":
      return { content: reply.msg };
    case "image":
    case "voice":
      return { media_id: reply.msg };
    case "video":
      return videoOf(reply);
    case "music":
      return musicOf(reply);
    case "news":
      return { articles: reply.articles.slice(0, 1).map(articleOf) };
    default:
      return undefined;
  }
}

function videoOf({ msg, title, desc }: Video): object {
  return given({ media_id: msg, title, description: desc });
}

function musicOf({ msg, title, desc, url, hqUrl }: Music): object {
  return given({ title, description: desc, musicurl: url, hqmusicurl: hqUrl, thumb_media_id: msg });
}

function articleOf({ title, desc, url, picUrl }: News["articles"][number]): object {
  return given({ title, description: desc, url, picurl: picUrl });
}

/** Without the fields that the reply left out. */
function given(fields: Record<string, string | undefined>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
