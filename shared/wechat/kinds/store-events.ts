import { event, json, kind, text } from "./fields.ts";
import { storeShopEvents } from "./store-shop-events.ts";

const orderId = json.id("Id of the order; 64 bits");
/** An event about one order. */
const order = <T extends Parameters<typeof json.object>[1]>(title: string, description: string, more: T) =>
  kind(title, description, { ...event, order_info: json.object("The order", { order_id: orderId, ...more }) });

const product = {
  product_id: json.id("Id of the product"),
  status: json.number("State of the product"),
  reason: text("Why"),
  product_type: json.number("1 the store's own, 4 a gift that is also sold, 5 not for sale"),
};

/** 视频号小店 (微信小店): pushed as JSON only and passed on to the byte, so numbers are JSON's own and nothing is filled in. */
export const storeEvents = {
  "event.channels_ec_order_new": order("订单下单", "An order was made", {}),
  "event.channels_ec_order_cancel": order("订单取消", "An order was cancelled", {
    cancel_type: json.number("1 by the user, 2 not paid in time, 3 everything was given back"),
  }),
  "event.channels_ec_order_pay": order("订单支付成功", "An order was paid", {
    pay_time: json.number("When, seconds since 1970"),
  }),
  "event.channels_ec_order_wait_shipping": order("订单待发货", "An order is to be sent", {}),
  "event.channels_ec_order_deliver": order("订单发货", "An order was sent", {
    finish_delivery: json.number("0 in part, 1 all of it"),
  }),
  "event.channels_ec_order_confirm": order("订单确认收货", "An order has arrived", {
    confirm_type: json.number("1 the user said so, 2 by itself"),
  }),
  "event.channels_ec_order_settle": order("订单结算成功", "An order was settled", {
    settle_time: json.number("When, seconds since 1970"),
  }),
  "event.channels_ec_order_ext_info_update": order("订单其他信息更新", "Something else about an order changed", {
    type: json.number(
      "1 commission, 2 address, 3 note, 4 address asked for, 5 virtual number, 6 sharer, 7 reminder, 12 price …",
    ),
  }),
  "event.channels_ec_aftersale_update": kind("售后单更新通知", "An after-sale case changed", {
    ...event,
    finder_shop_aftersale_status_update: json.object("The case", {
      status: text("State of the case"),
      after_sale_order_id: json.id("Id of the case"),
      order_id: orderId,
      wxa_vip_discounted_price: json.number("What the user saved as a member of the 小程序, in 分"),
    }),
  }),
  "event.channels_ec_complaint_update": kind("纠纷更新通知", "A dispute changed", {
    ...event,
    finder_shop_complaint: json.object("The dispute", {
      complaint_status: json.id("State of the dispute"),
      after_sale_order_id: json.id("Id of the after-sale case"),
      complaint_id: json.id("Id of the dispute"),
      order_id: orderId,
    }),
  }),
  "event.product_spu_audit": kind("商品审核", "A product was looked at", {
    ...event,
    ProductSpuAudit: json.object("The product", {
      ...product,
      audit_info: text("What was found, JSON in a text"),
    }),
  }),
  "event.product_spu_listing": kind("商品上下架", "A product went on or off sale", {
    ...event,
    ProductSpuListing: json.object("The product", product),
  }),
  "event.product_spu_update": kind("商品更新", "A product was changed", {
    ...event,
    ProductSpuUpdate: json.object("The product", {
      product_id: product.product_id,
      status: json.number("0 changed, 1 made, 2 deleted, 3 deleted for good"),
    }),
  }),
  "event.product_category_audit": kind("类目审核结果", "A category was looked at", {
    ...event,
    ProductCategoryAudit: json.object("The category", {
      audit_id: json.id("Id of the request"),
      status: json.id("State of the request"),
      reason: text("Why"),
    }),
  }),
  ...storeShopEvents,
};
