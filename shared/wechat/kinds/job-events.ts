import { Type } from "typebox";
import { always, element, elements, event, filledEvent, kind, number, text, texts } from "./fields.ts";

const status = always.text("What became of it: `send success`, `err(10001)`, `failed:user block` …");

/** One article of CopyrightCheckResult: its fields in WeChat's order, and what they tell. */
export const articleResult = {
  ArticleIdx: "Which of the articles, from 1",
  UserDeclareState: "Whether the user declared it original",
  AuditState: "Whether WeChat found it original",
  OriginalArticleUrl: "Link to the original",
  OriginalArticleType: "Type of the original",
  CanReprint: "Whether it may be reprinted",
  NeedReplaceContent: "Whether its content has to be the original's",
  NeedShowReprintSource: "Whether its source has to be shown",
} as const;
type ArticleResult = typeof articleResult;
const describeAll = <F>(field: (description: string) => F): Record<keyof ArticleResult, F> =>
  Object.fromEntries(Object.entries(articleResult).map(([name, words]) => [name, field(words)])) as never;

const template = { TemplateId: text("Id of the template") };
const subscribed = { ...template, SubscribeStatusString: text("accept or reject") };
const sent = {
  ...template,
  MsgID: text("The notice's id"),
  ErrorCode: text("0, or why not"),
  ErrorStatus: text("success …"),
};
const oneTemplate = "One template";

/** 群发, 模板消息, 发布能力 and 订阅通知: what became of what the account sent. */
export const jobEvents = {
  "event.MASSSENDJOBFINISH": kind("事件推送群发结果", "A mass message has been sent", {
    ...filledEvent,
    MsgID: always.text("The mass message's id"),
    Status: status,
    TotalCount: always.number("Followers it was for"),
    FilterCount: always.number("Followers left after filtering"),
    SentCount: always.number("Followers who got it"),
    ErrorCount: always.number("Followers who did not"),
    ResultCount: always.number("`Count` of CopyrightCheckResult"),
    ResultList: always.elements(
      "The articles of CopyrightCheckResult",
      describeAll((words) => Type.String({ description: words, default: "" })),
    ),
    CopyrightCheckResult: element("The check for originality, as WeChat nests it", {
      Count: number("How many articles"),
      ResultList: element("The articles", { item: elements("One article", describeAll(text)) }),
      CheckState: text("1 not reprinted, 2 reprinted and may be sent, 3 reprinted and may not"),
    }),
    ArticleUrlResult: element("Links to the articles", {
      Count: number("How many articles"),
      ResultList: element("The articles", {
        item: elements("One article", {
          ArticleIdx: text("Which of the articles, from 1"),
          ArticleUrl: text("Link to the article"),
        }),
      }),
    }),
  }),
  "event.TEMPLATESENDJOBFINISH": kind("模板消息送达事件", "A template message has been sent", {
    ...filledEvent,
    MsgId: always.text("The message's id, WeChat's MsgID"),
    Status: status,
    MsgID: text("The message's id"),
  }),
  "event.PUBLISHJOBFINISH": kind("事件推送发布结果", "Articles have been published", {
    ...event,
    PublishEventInfo: element("What was published", {
      publish_id: text("The publication's id"),
      publish_status: text("0 published, 1 being published, 2 not original, 3 failed, 4 refused …"),
      article_id: text("Id of the articles"),
      article_detail: element("The articles", {
        count: text("How many articles"),
        item: elements("One article", { idx: text("Which one, from 1"), article_url: text("Link to it") }),
      }),
      fail_idx: texts("Which articles were refused, from 1"),
    }),
  }),
  "event.subscribe_msg_popup_event": kind("用户操作订阅通知弹窗", "A user was asked for notices and answered", {
    ...event,
    SubscribeMsgPopupEvent: element("The answers", {
      List: elements(oneTemplate, { ...subscribed, PopupScene: text("Where it was asked") }),
    }),
  }),
  "event.subscribe_msg_change_event": kind("用户管理订阅通知", "A user changed their mind about notices", {
    ...event,
    SubscribeMsgChangeEvent: element("The changes", { List: elements(oneTemplate, subscribed) }),
  }),
  "event.subscribe_msg_sent_event": kind("发送订阅通知", "A notice has been sent", {
    ...event,
    SubscribeMsgSentEvent: element("What became of it", { List: elements(oneTemplate, sent) }),
  }),
};
