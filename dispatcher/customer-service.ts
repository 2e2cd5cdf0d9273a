import type { Reply } from "../shared/reply.ts";

type News = Extract<Reply, { type: "news" }>;

/**
 * The body of `/cgi-bin/message/custom/send` (开发者文档 "发送客服消息") that says the same as a passive reply; undefined
 * for replies that say nothing to the user. Of several articles the first is sent: WeChat takes one. Fields that the
 * reply left out are undefined, and so not in the JSON.
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
      return { media_id: reply.msg, title: reply.title, description: reply.desc };
    case "music":
      return {
        title: reply.title,
        description: reply.desc,
        musicurl: reply.url,
        hqmusicurl: reply.hqUrl,
        thumb_media_id: reply.msg,
      };
    case "news":
      return { articles: reply.articles.slice(0, 1).map(articleOf) };
    default:
      return undefined;
  }
}

function articleOf({ title, desc, url, picUrl }: News["articles"][number]): object {
  return { title, description: desc, url, picurl: picUrl };
}
