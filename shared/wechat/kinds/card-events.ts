import { event, kind, text } from "./fields.ts";

const card = { ...event, CardId: text("Id of the card") };
const code = { ...card, UserCardCode: text("Code of the user's card") };
const shop = {
  LocationId: text("Id of the shop"),
  LocationName: text("Name of the shop"),
  StaffOpenId: text("The clerk (openid)"),
};

/** 卡券事件推送. Codes are text: they may begin with zeros. */
export const cardEvents = {
  "event.card_pass_check": kind("卡券通过审核", "A card was approved", card),
  "event.card_not_pass_check": kind("卡券未通过审核", "A card was refused", { ...card, RefuseReason: text("Why") }),
  "event.user_get_card": kind("领取事件", "A user took a card", {
    ...code,
    IsGiveByFriend: text("1 when it is a friend's gift"),
    FriendUserName: text("The friend (openid)"),
    OuterId: text("The scene"),
    OldUserCardCode: text("Code before it was given away"),
    OuterStr: text("The scene in words"),
    IsRestoreMemberCard: text("1 when a member card was restored"),
    IsRecommendByFriend: text("1 when a friend recommended it"),
    UnionId: text("The user's UnionID"),
  }),
  "event.user_gifting_card": kind("转赠事件", "A user gives a card away", {
    ...code,
    IsReturnBack: text("1 when it came back"),
    FriendUserName: text("The friend (openid)"),
    IsChatRoom: text("1 when it went to a group"),
  }),
  "event.user_del_card": kind("删除事件", "A user deleted a card", code),
  "event.user_consume_card": kind("核销事件", "A card was used", {
    ...code,
    ...shop,
    ConsumeSource: text("FROM_API, FROM_MP, FROM_MOBILE_HELPER"),
    VerifyCode: text("The code that was entered"),
    RemarkAmount: text("The amount that was entered"),
    OuterStr: text("The scene in words"),
  }),
  "event.user_pay_from_pay_cell": kind("买单事件", "A user paid with a card", {
    ...code,
    TransId: text("WeChat Pay's transaction id, 28 digits"),
    LocationId: text("Id of the shop"),
    Fee: text("What was paid, in 分"),
    OriginalFee: text("What was due, in 分"),
  }),
  "event.user_view_card": kind("进入会员卡事件", "A user opened a member card", {
    ...code,
    OuterStr: text("The scene in words"),
  }),
  "event.user_enter_session_from_card": kind("从卡券进入公众号会话", "A user came from a card", code),
  "event.update_member_card": kind("会员卡内容更新事件", "A member card's points or balance changed", {
    ...code,
    ModifyBonus: text("Change of the points"),
    ModifyBalance: text("Change of the balance"),
  }),
  "event.card_sku_remind": kind("库存报警事件", "A card is running out", {
    ...card,
    Detail: text("What the alarm says"),
  }),
  "event.card_pay_order": kind("券点流水详情事件", "The account's 券点 changed", {
    ...event,
    OrderId: text("Id of the order"),
    Status: text("State of the order"),
    CreateOrderTime: text("When it was made, seconds since 1970"),
    PayFinishTime: text("When it was paid, seconds since 1970"),
    Desc: text("How it was paid"),
    FreeCoinCount: text("Free 券点 left"),
    PayCoinCount: text("Bought 券点 left"),
    RefundFreeCoinCount: text("Free 券点 given back"),
    RefundPayCoinCount: text("Bought 券点 given back"),
    OrderType: text("Type of the order"),
    Memo: text("A note"),
    ReceiptInfo: text("The invoice"),
  }),
  "event.submit_membercard_user_info": kind("会员卡激活事件", "A user activated a member card", code),
};
