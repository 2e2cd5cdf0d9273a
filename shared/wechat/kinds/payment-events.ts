import { Type } from "typebox";
import { element, event, kind, numberOrText, systemEvent, text } from "./fields.ts";

const seconds = numberOrText("When, seconds since 1970");
const prices = {
  Quantity: numberOrText("How many"),
  OrigPrice: numberOrText("Price before, in 分"),
  ActualPrice: numberOrText("Price paid, in 分"),
  Attach: text("What the order was made with"),
};
const team = element("The group that buys together", {
  ActivityId: text("Id of the offer"),
  TeamId: text("Id of the group"),
  TeamType: numberOrText("1 all pay, and get it back when the group is complete"),
  TeamAction: numberOrText("0 began the group, 1 joined it"),
});
const paid = {
  ...event,
  OpenId: text("The user (openid); FromUserName is WeChat"),
  OutTradeNo: text("The order"),
  Env: numberOrText("0 real, 1 sandbox"),
  WeChatPayInfo: element("The payment, when it went through WeChat Pay", {
    MchOrderNo: text("WeChat Pay's id of the order"),
    TransactionId: text("WeChat Pay's transaction id"),
    PaidTime: seconds,
  }),
  TeamInfo: team,
};
const retries = numberOrText(
  "How often WeChat has pushed it before: its tries differ in this, and so in their identity",
);

const game = (what: string) => ({
  ...systemEvent,
  ToUserName: text("The account (its original id, gh_…)"),
  MiniGame: element(what, {
    IsMock: Type.Optional(
      Type.Union([Type.Boolean(), Type.String()], { description: "true when WeChat only tries out the URL" }),
    ),
    Payload: text("The details, JSON in a text: what PayEventSig signs"),
    PayEventSig: text("HMAC-SHA256 of Event, `&` and Payload"),
  }),
});

/** 虚拟支付 of 小程序 (xpay) and 小游戏 (minigame): pushed until the answer, a reply of type raw, is the right one. */
export const paymentEvents = {
  "event.xpay_goods_deliver_notify": kind("道具发货推送", "A user paid for goods: wants ErrCode and ErrMsg", {
    ...paid,
    GoodsInfo: element("The goods", { ProductId: text("Id of the goods"), ...prices }),
  }),
  "event.xpay_coin_pay_notify": kind("代币支付推送", "A user paid for coins: wants ErrCode and ErrMsg", {
    ...paid,
    CoinInfo: element("The coins", prices),
  }),
  "event.xpay_refund_notify": kind("退款推送", "Money went back: wants ErrCode and ErrMsg", {
    ...event,
    OpenId: text("The user (openid)"),
    WxRefundId: text("WeChat's id of the refund"),
    MchRefundId: text("The merchant's id of the refund"),
    WxOrderId: text("WeChat's id of the order"),
    MchOrderId: text("The merchant's id of the order"),
    RefundFee: numberOrText("How much, in 分"),
    RetCode: numberOrText("0, or why it failed"),
    RetMsg: text("The same in words"),
    RefundStartTimestamp: numberOrText("When it began, seconds since 1970"),
    RefundSuccTimestamp: numberOrText("When it ended, seconds since 1970"),
    WxpayRefundTransactionId: text("WeChat Pay's transaction id of the refund"),
    RetryTimes: retries,
    Attach: text("What the order was made with, on iOS"),
    WxTransactionId: text("WeChat Pay's transaction id of the order, on iOS"),
    TeamInfo: team,
  }),
  "event.xpay_complaint_notify": kind("用户投诉推送", "A user complained: wants ErrCode and ErrMsg", {
    ...event,
    OpenId: text("The user (openid)"),
    WxOrderId: text("WeChat's id of the order"),
    MchOrderId: text("The merchant's id of the order"),
    TransactionId: text("WeChat Pay's transaction id"),
    ComplaintId: text("Id of the complaint"),
    ComplaintDetail: text("What the user says"),
    ComplaintTime: seconds,
    RetryTimes: retries,
    RequestId: text("Id of this push"),
  }),
  "event.xpay_subscribe_ios_refund_query_notify": kind(
    "iOS 退款问询",
    "Apple asks whether to refund: wants result_code, result_info and evidence in 3 s",
    {
      ...event,
      refund_time: text("When it asks, seconds since 1970"),
      order_time: text("When the order was made, seconds since 1970"),
      channel_bill: text("Apple's id of the payment"),
      bundleid: text("Apple's id of the app"),
      product_id: text("Id of the goods"),
      p_count: text("How many"),
      refund_request_reason: text("Why the user asks"),
      provide_status: text("0 not delivered, 1 delivered, 2 on its way"),
      pay_order_id: text("The order"),
    },
  ),
  "event.minigame_h5_goods_deliver_notify": kind(
    "道具直购(商城)",
    "A player paid for goods in the shop",
    game("The goods"),
  ),
  "event.minigame_game_pay_goods_deliver_notify": kind(
    "道具直购(游戏内)",
    "A player paid for goods in the game",
    game("The goods"),
  ),
  "event.minigame_coin_deliver_completed": kind("代币发货完成通知", "A player has got coins", game("The coins")),
};
