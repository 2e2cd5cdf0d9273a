import { element, elements, event, kind, number, text, texts } from "./fields.ts";

const verdict = { suggest: text("risky, pass or review"), label: text("What was found") };
const authorization = {
  ...event,
  OpenID: text("The user (openid)"),
  UnionID: text("The user's UnionID"),
  AppID: text("AppID"),
  RevokeInfo: text("What was taken back"),
  PluginID: text("AppID of the plug-in"),
  OpenPID: text("The user, as the plug-in knows them"),
};
const audit = { ...event, Reason: text("Why") };

/** 小程序: 客服消息, 内容安全, 用户信息, 代码审核, 物流助手, 申诉与投诉, 自定义交易组件. */
export const miniProgramEvents = {
  "event.user_enter_tempsession": kind("进入会话事件", "A user opened the customer-service session", {
    ...event,
    SessionFrom: text("What the button's session-from said"),
  }),
  "event.wxa_media_check": kind("音视频内容安全识别", "A picture or sound was checked", {
    ...event,
    appid: text("AppID"),
    trace_id: text("Id of the check"),
    version: text("2"),
    detail: elements("What one strategy found", {
      ...verdict,
      strategy: text("Name of the strategy"),
      errcode: text("0 when it worked"),
      prob: text("How sure, 0 to 100"),
      level: text("Level of the keyword"),
      keyword: text("The keyword"),
    }),
    errcode: text("0 when it worked"),
    errmsg: text("Why it did not"),
    result: element("What all strategies found together", verdict),
  }),
  "event.user_info_modified": kind("授权用户资料变更", "WeChat cleared a user's profile", authorization),
  "event.user_authorization_revoke": kind("授权用户资料撤回", "A user took their data back", authorization),
  "event.user_authorization_cancellation": kind(
    "授权用户完成注销",
    "A user closed their WeChat account",
    authorization,
  ),
  "event.weapp_audit_success": kind("代码审核通过", "The code was approved", {
    ...event,
    SuccTime: text("When, seconds since 1970"),
  }),
  "event.weapp_audit_fail": kind("代码审核不通过", "The code was refused", {
    ...audit,
    FailTime: text("When, seconds since 1970"),
    ScreenShot: text("Media ids of pictures, `|` between them"),
  }),
  "event.weapp_audit_delay": kind("代码审核延后", "The code will be looked at later", {
    ...audit,
    DelayTime: text("When, seconds since 1970"),
  }),
  "event.wxa_nickname_audit": kind("名称审核结果", "The name was looked at", {
    ...event,
    ret: text("2 refused, 3 approved"),
    nickname: text("The name"),
    reason: text("Why it was refused"),
  }),
  "event.add_express_path": kind("运单轨迹更新", "A parcel moved", {
    ...event,
    DeliveryID: text("The carrier"),
    WayBillId: text("The parcel"),
    OrderId: text("The order"),
    Version: text("Version of the path"),
    Count: number("How many nodes the path has"),
    Actions: elements("One node", {
      ActionTime: text("When, seconds since 1970"),
      ActionType: text("What happened"),
      ActionMsg: text("The same in words"),
    }),
  }),
  "event.add_waybill": kind("请求下单", "A merchant orders a carrier", {
    ...event,
    Token: text("Token of this order"),
    OrderID: text("The order"),
    Cargo: element("What is sent", {
      Weight: text("Weight in kg"),
      Space_X: text("Length in cm"),
      Space_Y: text("Width in cm"),
      Space_Z: text("Height in cm"),
      Count: number("How many parcels"),
      DetailList: elements("One sort of goods", { Name: text("Name"), Count: number("How many") }),
    }),
  }),
  "event.wxa_appeal_record": kind("小程序申诉记录", "An appeal against a punishment", {
    ...event,
    appeal_record_id: text("Id of the appeal"),
    appid: text("AppID"),
    appeal_time: text("When it was made, seconds since 1970"),
    appeal_count: text("How often it was made"),
    appeal_from: text("Who made it"),
    appeal_status: text("What became of it"),
    audit_time: text("When it was decided, seconds since 1970"),
    audit_reason: text("Why"),
    punish_description: text("The punishment"),
    material: elements("One point", {
      illegal_material: element("What was wrong", { content: text("In words"), content_url: text("Link to it") }),
      appeal_material: element("What is said for it", {
        reason: text("In words"),
        proof_material_id: texts("Media id of a proof"),
      }),
    }),
  }),
  "event.complaint_callback": kind("投诉回调", "A user complained, or somebody answered", {
    ...event,
    complaint_id: text("Id of the complaint"),
    history: elements("One step", {
      item_type: text("What happened"),
      content: text("In words"),
      media_id_list: texts("Media id of a proof"),
    }),
  }),
  "event.open_product_scene_group_audit": kind("场景接入审核", "A scene of 自定义交易组件 was looked at", {
    ...event,
    SceneGroupAudit: element("The scene", {
      group_id: text("Id of the scene"),
      reason: text("Why"),
      name: text("Name of the scene"),
      status: text("State of the scene"),
      scene_group_ext_list: elements("One part", {
        ext_id: text("Id of the part"),
        status: text("State of the part"),
        name: text("Name of the part"),
      }),
    }),
  }),
};
