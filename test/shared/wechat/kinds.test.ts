import assert from "node:assert/strict";
import { test } from "node:test";
import { Compile } from "typebox/schema";
import { absentFields, isRepeatable, numberFields } from "../../../shared/wechat/kinds/derived.ts";
import { kinds, knownKey, type EventOf } from "../../../shared/wechat/kinds/kinds.ts";
import { paymentEvents } from "../../../shared/wechat/kinds/payment-events.ts";
import { tradeEvents } from "../../../shared/wechat/kinds/trade-events.ts";
import { parsePush } from "../../../shared/wechat/push.ts";
import { routingKeyOf } from "../../../shared/wechat/routing-key.ts";
import { pushes } from "../../fixtures/pushes.ts";

type Id = number | string | undefined;
type Same<A, B> = [A, B] extends [B, A] ? true : false;

test("types are exact: numbers, lists, nested elements, what may be missing", () => {
  const same: [
    Same<EventOf<"msg.text">["CreateTime"], number>,
    Same<EventOf<"msg.text">["Content"], string>,
    Same<EventOf<"msg.location">["Scale"], number>,
    Same<EventOf<"event.pic_weixin">["PicList"], string[] | null>,
    Same<EventOf<"event.PUBLISHJOBFINISH">["Event"], string>,
    Same<EventOf<"info.authorized">["AuthorizationCode"], string | undefined>,
    Same<EventOf<"event.poem">["Poem"], unknown>,
    Same<NonNullable<EventOf<"event.channels_ec_complaint_update">["finder_shop_complaint"]>["complaint_id"], Id>,
    Same<EventOf<"msg.text">["userInfoError"], string | undefined>,
    Same<EventOf<"event.xpay_refund_notify">["RefundFee"], Id>,
    Same<EventOf<"event.channels_ec_withdraw_notify">["FromUserName"], string | undefined>,
    Same<NonNullable<EventOf<"event.channels_ec_user_coupon_use">["use_info"]>["order_id"], Id>,
  ] = [true, true, true, true, true, true, true, true, true, true, true, true];
  assert.ok(same.every(Boolean));
});

test("elements that are numbers, and those that are lists even when they stand once", () => {
  assert.deepEqual(
    [...numberFields].toSorted(),
    ["Count", "CreateTime", "ErrorCount", "FilterCount", "ResultCount", "Scale", "SentCount", "TotalCount"],
    "any other name would become a number in every push",
  );
  const lists = ["item", "fail_idx", "AroundBeacon", "Actions", "DetailList", "proof_material_id"];
  lists.push("scene_group_ext_list", "history", "media_id_list", "detail", "material", "product_infos");
  lists.push("order_product_coupon_info_list");
  for (const name of lists) assert.ok(isRepeatable(name, "xml"), name);
  for (const name of ["PicList", "ResultList", "List", "Content", "tagid_list"])
    assert.ok(!isRepeatable(name, "xml"), name);
  for (const parent of ["Popup", "Change", "Sent"])
    assert.ok(isRepeatable("List", `SubscribeMsg${parent}Event`), parent);
});

test("fields that are always there come in WeChat's order, with what stands in for them", () => {
  assert.deepEqual(Object.entries(absentFields.get("event.pic_weixin") ?? {}), [
    ["ToUserName", ""],
    ["FromUserName", ""],
    ["CreateTime", 0],
    ["MsgType", ""],
    ["Event", ""],
    ["EventKey", ""],
    ["Count", 0],
    ["PicList", null],
  ]);
  assert.deepEqual(absentFields.get("event.user_get_card"), {});
});

test("every kind stands under the routing key that WeChat's words make", () => {
  for (const key of Object.keys(kinds)) {
    const [group = "", word = ""] = key.split(".");
    const none = { MsgType: "", Event: "", InfoType: "" };
    const kind = { msg: { MsgType: word }, event: { MsgType: "event", Event: word }, info: { InfoType: word } }[group];
    assert.equal(routingKeyOf({ ...none, ...kind }), key);
  }
});

const eitherFormat = { ...tradeEvents, ...paymentEvents };
const sent = pushes.filter(({ format, store, routingKey }) => format === "xml" || store || routingKey in eitherFormat);
for (const { name, routingKey, body } of sent.filter((push) => knownKey(push.routingKey))) {
  test(`as the table says: ${name}`, () => {
    const event: unknown = JSON.parse(parsePush(Buffer.from(body), "shop").json);
    const kind = kinds[routingKey as keyof typeof kinds];
    assert.deepEqual(Compile(kind).Errors(event), [true, []]);
  });
}
