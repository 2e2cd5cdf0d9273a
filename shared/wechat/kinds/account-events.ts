import { always, element, elements, event, filledEvent, kind, number, text } from "./fields.ts";

const subscription = {
  ...filledEvent,
  EventKey: always.text("The QR code's scene; `qrscene_` stands before it in `subscribe`"),
  Ticket: always.text("The QR code's ticket"),
};

const coordinates = {
  Location_X: always.text("Latitude"),
  Location_Y: always.text("Longitude"),
  Scale: always.number("The map's scale"),
  Label: always.text("The place in words"),
};

const menuKey = always.text("The menu item's key");

const pictures = {
  ...filledEvent,
  EventKey: menuKey,
  Count: always.number("How many pictures"),
  PicList: always.texts("MD5 of each picture"),
  SendPicsInfo: element("The pictures as WeChat nests them", {
    Count: number("How many pictures"),
    PicList: element("The pictures", {
      item: elements("One picture", { PicMd5Sum: text("MD5 of the picture") }),
    }),
  }),
};

const scan = {
  ...filledEvent,
  EventKey: menuKey,
  ScanType: always.text("qrcode, barcode …"),
  ScanResult: always.text("What was scanned"),
  ScanCodeInfo: element("The scan as WeChat nests it", {
    ScanType: text("qrcode, barcode …"),
    ScanResult: text("What was scanned"),
  }),
};

const beacon = {
  Uuid: text("UUID"),
  Major: text("Major"),
  Minor: text("Minor"),
  Distance: text("Distance in metres"),
};

const session = { ...event, KfAccount: text("The customer-service account") };

const qualification = { ...event, ExpiredTime: text("When it runs out, seconds since 1970") };
const refusal = { ...event, FailTime: text("When, seconds since 1970"), FailReason: text("Why") };

/** 接收事件推送, 自定义菜单事件推送, and other events of a 公众号 about its users and itself. */
export const accountEvents = {
  "event.subscribe": kind("关注事件", "A user follows the account, perhaps by a QR code with a scene", subscription),
  "event.unsubscribe": kind("取消关注事件", "A user follows the account no more", subscription),
  "event.SCAN": kind("扫描带参数二维码事件", "A follower scanned a QR code with a scene", subscription),
  "event.LOCATION": kind("上报地理位置事件", "Where the user is", {
    ...filledEvent,
    Latitude: always.text("Latitude"),
    Longitude: always.text("Longitude"),
    Precision: always.text("Precision"),
  }),
  "event.location": kind("location", "A place as an event, not in WeChat's documents", {
    ...filledEvent,
    ...coordinates,
    MsgId: always.text("The message's id"),
  }),
  "event.CLICK": kind("点击菜单拉取消息", "The user chose a menu item", { ...filledEvent, EventKey: menuKey }),
  "event.VIEW": kind("点击菜单跳转链接", "The user opened a menu item's page", {
    ...filledEvent,
    EventKey: always.text("The page's URL"),
    MenuId: always.text("The conditional menu's id"),
  }),
  "event.view_miniprogram": kind("点击菜单跳转小程序", "The user opened a menu item's 小程序", {
    ...event,
    EventKey: text("Path of the page"),
    MenuId: text("The menu's id"),
  }),
  "event.scancode_push": kind("扫码推事件", "The user scanned something from the menu and sees it", scan),
  "event.scancode_waitmsg": kind("扫码推事件且弹出“消息接收中”", "The user scanned something and waits", scan),
  "event.pic_sysphoto": kind("弹出系统拍照发图", "The user took pictures from the menu", pictures),
  "event.pic_photo_or_album": kind("弹出拍照或者相册发图", "The user took or chose pictures from the menu", pictures),
  "event.pic_weixin": kind("弹出微信相册发图器", "The user chose pictures from the menu", pictures),
  "event.location_select": kind("弹出地理位置选择器", "The user chose a place from the menu", {
    ...event,
    EventKey: text("The menu item's key"),
    SendLocationInfo: element("The place", {
      Location_X: text("Latitude"),
      Location_Y: text("Longitude"),
      Scale: number("The map's scale"),
      Label: text("The place in words"),
      Poiname: text("Name of the point of interest"),
    }),
  }),
  "event.media_id": kind("下发消息", "The user chose a menu item that sends a media", {
    ...event,
    EventKey: text("Media id"),
  }),
  "event.view_limited": kind("跳转图文消息", "The user chose a menu item that opens an article", {
    ...event,
    EventKey: text("Media id"),
  }),
  "event.kf_create_session": kind("客服接入会话", "A customer-service session began", session),
  "event.kf_close_session": kind("客服关闭会话", "A customer-service session ended", session),
  "event.kf_switch_session": kind("客服转接会话", "A customer-service session went to another account", {
    ...event,
    FromKfAccount: text("The account it came from"),
    ToKfAccount: text("The account it went to"),
  }),
  "event.qualification_verify_success": kind("资质认证成功", "The account was verified", qualification),
  "event.qualification_verify_fail": kind("资质认证失败", "The account was not verified", refusal),
  "event.naming_verify_success": kind("名称认证成功", "The account's name was verified", qualification),
  "event.naming_verify_fail": kind("名称认证失败", "The account's name was not verified", refusal),
  "event.annual_renew": kind("年审通知", "The account is to be verified again", qualification),
  "event.verify_expired": kind("认证过期失效通知", "The account's verification has run out", qualification),
  "event.ShakearoundUserShake": kind("摇一摇事件通知", "A user shook near a beacon", {
    ...event,
    ChosenBeacon: element("The beacon that was chosen", beacon),
    AroundBeacons: element("The beacons around", { AroundBeacon: elements("One beacon", beacon) }),
  }),
  "event.WifiConnected": kind("Wi-Fi连网成功事件", "A user connected to a shop's Wi-Fi", {
    ...event,
    ConnectTime: text("When, seconds since 1970"),
    ExpireTime: text("Reserved, 0"),
    VendorId: text("Reserved"),
    ShopId: text("Id of the shop"),
    DeviceNo: text("BSSID of the access point"),
  }),
  "event.poi_check_notify": kind("门店审核事件推送", "A shop was looked at", {
    ...event,
    UniqId: text("The merchant's own id of the shop"),
    PoiId: text("WeChat's id of the shop"),
    Result: text("succ or fail"),
    msg: text("Why it failed"),
  }),
  "event.guide_qrcode_scan_event": kind("顾问二维码扫码事件", "A user scanned a shopping guide's QR code", {
    ...event,
    GuideScanEvent: element("The scan", {
      qrcode_guide_account: text("The guide (WeChat id)"),
      qrcode_guide_openid: text("The guide (openid)"),
      openid: text("The user (openid)"),
      action: text("1 no guide any more, 2 bound now, 3 bound before, 4 bound to another guide"),
      qrcode_info: text("What the QR code was made with"),
    }),
  }),
  "event.guide_invite_result_event": kind("顾问邀请结果事件", "A shopping guide answered the invitation", {
    ...event,
    GuideInviteEvent: element("The answer", {
      guide_account: text("The guide (WeChat id)"),
      guide_openid: text("The guide (openid)"),
      invite_result: text("The answer"),
    }),
  }),
};
