import { always, filledMessage, kind, message, text } from "./fields.ts";

const mediaId = always.text("Media id, good for 3 days");
const video = { ...filledMessage, MediaId: mediaId, ThumbMediaId: always.text("Media id of the thumbnail") };

/** 接收普通消息 and 客服消息 of 小程序. */
export const messages = {
  "msg.text": kind("文本消息", "The user wrote a text", {
    ...filledMessage,
    Content: always.text("What the user wrote"),
    bizmsgmenuid: text("Which item of a menu message (菜单消息) the user chose"),
    MsgDataId: text("Id of the article it was written below"),
    Idx: text("Which of the articles, from 1"),
  }),
  "msg.image": kind("图片消息", "The user sent a picture", {
    ...filledMessage,
    PicUrl: always.text("Link to the picture"),
    MediaId: mediaId,
    MsgDataId: text("Id of the article it was sent below"),
    Idx: text("Which of the articles, from 1"),
  }),
  "msg.voice": kind("语音消息", "The user spoke", {
    ...filledMessage,
    MediaId: mediaId,
    Format: always.text("amr, speex …"),
    Recognition: always.text("What was understood, UTF-8; empty when recognition is off"),
    MediaId16K: text("Media id of the voice at 16 kHz"),
  }),
  "msg.video": kind("视频消息", "The user sent a video", video),
  "msg.shortvideo": kind("小视频消息", "The user sent a short video", video),
  "msg.location": kind("地理位置消息", "The user sent a place", {
    ...filledMessage,
    Location_X: always.text("Latitude"),
    Location_Y: always.text("Longitude"),
    Scale: always.number("The map's scale"),
    Label: always.text("The place in words"),
  }),
  "msg.link": kind("链接消息", "The user sent a link", {
    ...filledMessage,
    Title: always.text("Title"),
    Description: always.text("Description"),
    Url: always.text("The link"),
  }),
  "msg.file": kind("文件消息", "The user sent a file; in no document of WeChat's", {
    ...message,
    Title: text("The file's name"),
    Description: text("Description"),
    FileKey: text("Key of the file"),
    FileMd5: text("MD5 of the file"),
    FileTotalLen: text("Length in bytes"),
  }),
  "msg.miniprogrampage": kind("小程序卡片消息", "The user sent a card of a 小程序", {
    ...message,
    Title: text("Title"),
    AppId: text("AppID of the 小程序"),
    PagePath: text("Path of the page"),
    ThumbUrl: text("Link to the cover"),
    ThumbMediaId: text("Media id of the cover"),
  }),
};
