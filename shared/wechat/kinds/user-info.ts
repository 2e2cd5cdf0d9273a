import { Type, type Static } from "typebox";
import { json, text } from "./fields.ts";

/** A user as WeChat's `/cgi-bin/user/info` tells, with every field it returned. */
export const UserInfoSchema = Type.Object(
  {
    subscribe: json.number("0 when the user does not follow the account: then there is little else"),
    openid: text("The user"),
    unionid: text("The user, in all accounts of one 开放平台"),
    language: text("zh_CN …"),
    subscribe_time: json.number("When the user followed, seconds since 1970"),
    remark: text("What the account calls the user"),
    groupid: json.number("The user's group"),
    tagid_list: Type.Optional(Type.Array(Type.Integer(), { description: "The user's tags" })),
    subscribe_scene: text("How the user found the account: ADD_SCENE_QR_CODE …"),
    qr_scene: json.number("The scene of the QR code"),
    qr_scene_str: text("The scene of the QR code in words"),
    nickname: text("Empty since 2021-12-27"),
    headimgurl: text("Empty since 2021-12-27"),
  },
  { title: "用户基本信息", description: "The user as WeChat's user/info tells" },
);

/** What the dispatcher adds unless `dont-append-userinfo`: never in what the gateway publishes, so never required. */
export const appended = {
  userInfo: Type.Optional(Type.Union([UserInfoSchema, Type.Null()])),
  userInfoError: Type.Optional(
    Type.String({ description: "Why userInfo is null; empty when it is there", default: "" }),
  ),
};

export type Appended = Static<ReturnType<typeof Type.Object<typeof appended>>>;
