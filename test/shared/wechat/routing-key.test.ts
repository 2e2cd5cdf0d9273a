import assert from "node:assert/strict";
import { test } from "node:test";
import { pathOf, routingKeyOf } from "../../../shared/wechat/routing-key.ts";

type Kind = { MsgType?: string; Event?: string; InfoType?: string };
const keyOf = ({ MsgType = "", Event = "", InfoType = "" }: Kind) => routingKeyOf({ MsgType, Event, InfoType });

const table: [name: string, kind: Kind, routingKey: string, path: string][] = [
  ["a message", { MsgType: "text" }, "msg.text", "/msg/text"],
  ["an event", { MsgType: "event", Event: "subscribe" }, "event.subscribe", "/event/subscribe"],
  ["third-party platform", { InfoType: "authorized" }, "info.authorized", "/info/authorized"],
  ["an event in capitals", { MsgType: "event", Event: "CLICK" }, "event.CLICK", "/event/CLICK"],
  ["LOCATION is not location", { MsgType: "event", Event: "LOCATION" }, "event.LOCATION", "/event/LOCATION"],
  ["location is not LOCATION", { MsgType: "event", Event: "location" }, "event.location", "/event/location"],
  ["MsgType Event", { MsgType: "Event", Event: "CLICK" }, "event.CLICK", "/event/CLICK"],
  ["blanks round both", { MsgType: " event\n", Event: "\t SCAN \r\n" }, "event.SCAN", "/event/SCAN"],
  ["blanks round MsgType", { MsgType: "\n text " }, "msg.text", "/msg/text"],
  ["blanks round InfoType", { InfoType: " unauthorized " }, "info.unauthorized", "/info/unauthorized"],
  [
    "an inner blank",
    { MsgType: "event", Event: "complaint callback" },
    "event.complaint_callback",
    "/event/complaint_callback",
  ],
  ["two inner blanks", { MsgType: "event", Event: "a  b" }, "event.a__b", "/event/a__b"],
  ["hyphen and underscore", { MsgType: "event", Event: "a-b_C9" }, "event.a-b_C9", "/event/a-b_C9"],
  ["dots", { MsgType: "event", Event: "a.b.c" }, "event.a_b_c", "/event/a_b_c"],
  ["wildcards", { MsgType: "event", Event: "#" }, "event._", "/event/_"],
  ["a path", { MsgType: "../../admin?x=1" }, "msg.______admin_x_1", "/msg/______admin_x_1"],
  ["non-ASCII", { MsgType: "event", Event: "关注é" }, "event.___", "/event/___"],
  ["no type at all", {}, "msg._", "/msg/_"],
  ["blanks for a type", { MsgType: "  " }, "msg._", "/msg/_"],
  ["an event of no type", { MsgType: "event" }, "event._", "/event/_"],
  ["an event of blanks", { MsgType: "event", Event: " \n" }, "event._", "/event/_"],
  ["an Event without MsgType", { Event: "subscribe" }, "event.subscribe", "/event/subscribe"],
  ["a message with an Event beside", { MsgType: "text", Event: "subscribe" }, "msg.text", "/msg/text"],
  ["a message with an InfoType beside", { MsgType: "text", InfoType: "x" }, "msg.text", "/msg/text"],
];

for (const [name, kind, routingKey, path] of table) {
  test(`routing key: ${name}`, () => {
    assert.equal(keyOf(kind), routingKey);
    assert.equal(pathOf(routingKey), path);
  });
}

test("a routing key has at most 255 bytes, AMQP's limit", () => {
  assert.equal(keyOf({ MsgType: "a".repeat(251) }), `msg.${"a".repeat(251)}`);
  assert.equal(keyOf({ MsgType: "a".repeat(252) }), `msg.${"a".repeat(251)}`);
  assert.equal(keyOf({ MsgType: "event", Event: "中".repeat(400) }), `event.${"_".repeat(249)}`);
});
