import { Type, type TProperties } from "typebox";

/** Text as WeChat sends it; not there when WeChat sends none. */
export const text = (description: string) => Type.Optional(Type.String({ description }));

/** A number wherever an element of this name stands. */
export const number = (description: string) => Type.Optional(Type.Integer({ description }));

/** An element that may stand more than once, and is a list even when it stands once. */
export const texts = (description: string) => Type.Optional(Type.Array(Type.String(), { description }));

/** An element with others inside. Without any it is text: "" or the blanks between its tags. */
export const element = <T extends TProperties>(description: string, children: T) =>
  Type.Optional(Type.Union([Type.Object(children), Type.String()], { description }));

/** Elements with others inside, always a list. */
export const elements = <T extends TProperties>(description: string, children: T) =>
  Type.Optional(Type.Array(Type.Union([Type.Object(children), Type.String()]), { description }));

/** Fields that an XML push always has in its event: `default` stands in when WeChat sends none. */
export const always = {
  text: (description: string) => Type.String({ description, default: "" }),
  number: (description: string) => Type.Integer({ description, default: 0 }),
  /** A list that lies flat beside WeChat's nested element; null without an item. */
  texts: (description: string) => Type.Union([Type.Array(Type.String()), Type.Null()], { description, default: null }),
  elements: <T extends TProperties>(description: string, children: T) =>
    Type.Union([Type.Array(Type.Object(children)), Type.Null()], { description, default: null }),
};

const said = (description: string) => Type.String({ description });
const toUser = "The account (its original id, gh_…)";
const fromUser = "The user (openid)";
const createTime = "When it happened, seconds since 1970";

/** What every push but those of 第三方平台 begins with, filled in when it is missing. */
const filledHead = {
  ToUserName: always.text(toUser),
  FromUserName: always.text(fromUser),
  CreateTime: always.number(createTime),
};
const head = {
  ToUserName: said(toUser),
  FromUserName: said(fromUser),
  CreateTime: Type.Integer({ description: createTime }),
};
const msgType = "The type of the message";
const msgId = "The message's id, a 64-bit number as text";
const eventType = "`event`";
const eventName = "The event's name";

/** 接收普通消息: `filled` fields are always there. */
export const filledMessage = { ...filledHead, MsgType: always.text(msgType), MsgId: always.text(msgId) };
export const message = { ...head, MsgType: said(msgType), MsgId: text(msgId) };

/** 接收事件推送: `filled` fields are always there. */
export const filledEvent = { ...filledHead, MsgType: always.text(eventType), Event: always.text(eventName) };
export const event = { ...head, MsgType: said(eventType), Event: said(eventName) };

/** 接收事件推送 of what WeChat itself did: nobody sent it, and it may say so by naming no user. */
export const systemEvent = { ...event, FromUserName: text(fromUser) };

/** 第三方平台: neither MsgType nor Event nor a user. */
export const info = {
  AppId: text("AppID of the platform"),
  CreateTime: Type.Integer({ description: createTime }),
  InfoType: said("The type of the notification"),
};

/** A number in a push that came as JSON, text in one that came as XML. */
export const numberOrText = (description: string) =>
  Type.Optional(Type.Union([Type.Integer(), Type.String()], { description }));

/** Numbers are JSON's own in pushes that come as JSON. */
export const json = {
  number: (description: string) => Type.Optional(Type.Integer({ description })),
  /** An id: above 2^53 and a number in some pushes, text in others. */
  id: numberOrText,
  object: <T extends TProperties>(description: string, properties: T) =>
    Type.Optional(Type.Object(properties, { description })),
};

/** One kind of push: its name in WeChat's documents, what it tells, its fields in their order. */
export const kind = <T extends TProperties>(title: string, description: string, fields: T) =>
  Type.Object(fields, { title, description });
