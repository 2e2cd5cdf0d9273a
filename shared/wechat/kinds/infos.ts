import { element, info, kind, text } from "./fields.ts";

const authorization = {
  ...info,
  AuthorizerAppid: text("AppID of the account"),
  AuthorizationCode: text("Code to get its tokens with"),
  AuthorizationCodeExpiredTime: text("When the code runs out, seconds since 1970"),
  PreAuthCode: text("The code it began with"),
};

/** 第三方平台: what WeChat pushes to the platform itself, in XML only. */
export const infos = {
  "info.component_verify_ticket": kind("验证票据", "The ticket to get component_access_token with, every 10 minutes", {
    ...info,
    ComponentVerifyTicket: text("The ticket"),
  }),
  "info.authorized": kind("授权成功通知", "An account gave the platform its rights", authorization),
  "info.updateauthorized": kind("授权更新通知", "An account changed the platform's rights", authorization),
  "info.unauthorized": kind("取消授权通知", "An account took its rights back", {
    ...info,
    AuthorizerAppid: text("AppID of the account"),
  }),
  "info.notify_third_fasteregister": kind("快速注册小程序通知", "A 小程序 was registered, or not", {
    ...info,
    appid: text("AppID of the 小程序"),
    status: text("0, or why not"),
    auth_code: text("Code to get its tokens with"),
    msg: text("The same in words"),
    info: element("What it was registered with", {
      name: text("Name of the company"),
      code: text("Code of the company"),
      code_type: text("Type of the code"),
      legal_persona_wechat: text("The legal person's WeChat id"),
      legal_persona_name: text("The legal person's name"),
      component_phone: text("Telephone of the platform"),
    }),
  }),
};
