import { element, elements, event, kind, numberOrText, text } from "./fields.ts";

const seconds = numberOrText("When, seconds since 1970");
const trade = {
  transaction_id: text("WeChat Pay's transaction id"),
  merchant_id: text("The merchant"),
  sub_merchant_id: text("The merchant below it"),
  merchant_trade_no: text("The merchant's own id of the order"),
  pay_time: numberOrText("When it was paid, seconds since 1970"),
};

const shopAppid = text("AppID of the store");
const session = { shop_appid: shopAppid, order_session_id: text("The user's visit of the order page") };
const uniqueId = text("This try to order");
const cents = numberOrText("In 分");

/** 小程序: 发货信息管理, and stores related to it (合作账号, 小程序会员). Some want data as their answer (reply type raw). */
export const tradeEvents = {
  "event.trade_manage_remind_access_api": kind("提醒接入发货信息管理服务API", "Shipping has to be reported", {
    ...event,
    msg: text("The same in words"),
  }),
  "event.trade_manage_remind_shipping": kind("提醒需要上传发货信息", "An order was not sent for 48 hours", {
    ...event,
    ...trade,
    msg: text("The same in words"),
  }),
  "event.trade_manage_order_settlement": kind("订单将要结算或已经结算", "An order was sent, or settled", {
    ...event,
    ...trade,
    shipped_time: numberOrText("When it was sent, seconds since 1970"),
    estimated_settlement_time: numberOrText("When it will be settled, seconds since 1970; once it was sent"),
    confirm_receive_method: numberOrText("1 by itself, 2 the user said so; once it was settled"),
    confirm_receive_time: numberOrText("When it had arrived, seconds since 1970; once it was settled"),
    settlement_time: numberOrText("When it was settled, seconds since 1970; once it was"),
  }),
  "event.cooperation_shop_order": kind("订单通知", "A user who came from this 小程序 made an order at a store", {
    ...event,
    Data: element("The order", { order_id: text("Its id for this 小程序"), shop_appid: shopAppid }),
  }),
  "event.related_shop_order_submission": kind("订单通知", "The same of an account related to the store", {
    ...event,
    Data: element("The order", { order_id: text("Its id for this 小程序"), shop_appid: shopAppid }),
  }),
  "event.channels_ec_vip_user_info_get": kind(
    "静默关联时获取小程序会员信息",
    "Whether a user is a member: wants errcode, errmsg and info",
    { ...event, info: element("The store", { shop_appid: shopAppid }) },
  ),
  "event.channels_ec_vip_user_auto_add": kind("用户静默关联小店会员通知", "A user became a member of a store", {
    ...event,
    info: element("The member", {
      shop_appid: shopAppid,
      outer_userid: text("The member's id here"),
      identity: text("The member's rank here"),
      add_time: seconds,
    }),
  }),
  "event.channels_ec_gen_order_info_init": kind(
    "用户进入下单页获取默认会员权益",
    "A member opened the order page: wants errcode, errmsg and what the member gets",
    {
      ...event,
      gen_order_info: element("The order", {
        ...session,
        scene: numberOrText("1 for the user, 2 a gift to a group, 3 a gift to a friend"),
        product_infos: elements("One product", {
          product_id: text("Id of the product"),
          sku_id: text("Id of its variant"),
          sku_cnt: numberOrText("How many"),
          sale_price: cents,
          shop_discounted_price: cents,
          order_product_coupon_info_list: elements("One coupon", {
            user_coupon_id: text("Id of the user's coupon"),
            coupon_type: numberOrText("Type of the coupon"),
            discounted_price: cents,
          }),
        }),
        price_info: element("The prices", {
          product_price_before_vip_discount: cents,
          product_price: cents,
          shop_discounted_price: cents,
        }),
      }),
    },
  ),
  "event.channels_ec_order_use_vip_discount": kind(
    "用户下单使用会员权益",
    "A member orders at the member's price: wants errcode, errmsg and result",
    {
      ...event,
      order_info: element("The order", {
        ...session,
        scene: numberOrText("1 for the user, 2 a gift to a group, 3 a gift to a friend"),
        unique_id: uniqueId,
        price_info: element("The prices", {
          product_price_before_vip_discount: cents,
          vip_discounted_price: cents,
          product_price_after_vip_discount: cents,
        }),
      }),
    },
  ),
  "event.channels_ec_order_unuse_vip_discount": kind("用户取消使用会员权益", "Such an order was not made after all", {
    ...event,
    order_info: element("The order", { ...session, unique_id: uniqueId }),
  }),
};
