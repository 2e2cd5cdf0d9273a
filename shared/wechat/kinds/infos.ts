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
      wxuser: text("The owner's WeChat id, when a person registers"),
      idname: text("The owner's name, when a person registers"),
    }),
  }),
  "info.notify_third_fastregisterbetaapp": kind("创建试用小程序通知", "A 小程序 on trial was made, or not", {
    ...info,
    appid: text("AppID of the 小程序"),
    status: text("0, or why not"),
    msg: text("The same in words"),
    info: element("What it was made with", { unique_id: text("The platform's own id"), name: text("Its name") }),
  }),
  "info.notify_3rd_wxa_auth": kind("小程序认证审核通知", "The verification of a 小程序 went on", {
    ...info,
    appid: text("AppID of the 小程序"),
    taskid: text("Id of the verification"),
    task_status: text("State of the verification"),
    apply_status: text("0 not asked for, 1 to be paid, 2 looked at, 3 sent back, 4 verified, 5 refused"),
    message: text("The same in words"),
    dispatch_info: element("Who looks at it", {
      provider: text("The company"),
      contact: text("How to reach it"),
      dispatch_time: text("When, seconds since 1970"),
    }),
  }),
  "info.notify_3rd_wxa_wxverify": kind("小程序认证即将到期通知", "The verification of a 小程序 runs out", {
    ...info,
    appid: text("AppID of the 小程序"),
    expired: text("When it runs out, seconds since 1970"),
    message: text("The same in words"),
  }),
  "info.notify_icpfiling_verify_result": kind("小程序管理员人脸核身完成通知", "An administrator's face was checked", {
    ...info,
    task_id: text("Id of the check"),
    verify_appid: text("AppID of the 小程序"),
    result: text("2 failed, 3 passed"),
  }),
  "info.notify_apply_icpfiling_result": kind(
    "小程序备案审核通知",
    "A registration with the state (备案) was looked at",
    {
      ...info,
      authorizer_appid: text("AppID of the 小程序"),
      beian_status: text("State of the registration"),
    },
  ),
};
