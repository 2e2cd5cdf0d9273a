import { event, json, kind, systemEvent, text } from "./fields.ts";

type Fields = Parameters<typeof json.object>[1];

const couponId = json.id("Id of the coupon");
const userCouponId = json.id("Id of the user's coupon");
const time = json.id("When, seconds since 1970");
/** An event about one coupon, whose details stand in `name`. */
const coupon = <N extends string, T extends Fields>(title: string, description: string, name: N, more: T) =>
  kind(title, description, {
    ...event,
    ...({ [name]: json.object("The coupon", { coupon_id: couponId, ...more }) } as Record<
      N,
      ReturnType<typeof json.object<{ coupon_id: typeof couponId } & T>>
    >),
  });

/** 视频号小店 (微信小店): the store itself, its money and its coupons. */
export const storeShopEvents = {
  "event.channels_ec_guarantee_update": kind("保障单更新通知", "A guarantee case changed", {
    ...event,
    finder_shop_guarantee_status_update: json.object("The case", {
      status: text("State of the case"),
      guarantee_order_id: json.id("Id of the case"),
      order_id: json.id("Id of the order; 64 bits"),
    }),
  }),
  "event.channels_ec_brand": kind("品牌资质事件通知", "A brand's papers were looked at, or changed", {
    ...event,
    BrandEvent: json.object("The brand", {
      brand_id: json.id("Id of the brand"),
      audit_id: json.id("Id of the request"),
      status: json.number("1 new, 2 changed, 3 taken back, 4 approved, 5 refused, 6 deleted, 7 withdrawn, 8 run out"),
      reason: text("Why"),
    }),
  }),
  "event.channels_ec_acct_notify": kind("结算账户变更回调", "The store's bank account changed", {
    ...systemEvent,
    account_info: json.object("The change", { event: json.number("1 another account") }),
  }),
  "event.channels_ec_withdraw_notify": kind("提现回调", "Money is paid out", {
    ...systemEvent,
    withdraw_info: json.object("The payment", {
      withdraw_id: json.id("Id of the payment"),
      event: json.number("1 asked for, 2 confirmed by QR code, 3 paid out, 4 failed"),
    }),
  }),
  "event.qrcode_status": kind("提现二维码回调", "The QR code that confirms a payment was scanned", {
    ...systemEvent,
    qrcode_info: json.object("The QR code", {
      ticket: text("Its ticket"),
      status: json.number("1 confirmed, 2 cancelled, 3 run out, 4 scanned"),
      scan_user_type: json.number("1 an administrator scanned it, 0 somebody else"),
    }),
  }),
  "event.channels_ec_change_status": kind("小店状态变更回调事件", "The store opens or closes", {
    ...event,
    appid: text("AppID of the store"),
    change_timestamp: time,
    old_status: text("State before: open_finished, closing"),
    new_status: text("State now"),
  }),
  "event.set_shop_nickname": kind("小店修改名称事件", "The store has another name", {
    ...event,
    appid: text("AppID of the store"),
    old_nickname: text("Name before"),
    new_nickname: text("Name now"),
  }),
  "event.channels_ec_coupon_receive": coupon("领取优惠券通知", "A user took a coupon", "receive_info", {
    user_coupon_id: userCouponId,
    receive_time: time,
  }),
  "event.channels_ec_coupon_delete": coupon("删除优惠券通知", "A coupon was deleted", "coupon_info", {
    delete_time: time,
  }),
  "event.channels_ec_coupon_invalid": coupon("作废优惠券通知", "A coupon was made void", "coupon_info", {
    invalid_time: time,
  }),
  "event.channels_ec_user_coupon_expire": coupon("用户优惠券过期通知", "A user's coupon ran out", "user_coupon_info", {
    user_coupon_id: userCouponId,
    expire_time: time,
  }),
  "event.channels_ec_user_coupon_use": coupon("优惠券核销通知", "A user's coupon was used", "use_info", {
    user_coupon_id: userCouponId,
    order_id: json.id("Id of the order; 64 bits"),
    use_time: time,
  }),
};
