import assert from "node:assert/strict";
import { test } from "node:test";
import { echo } from "../../dispatcher/echo.ts";
import { renderReply } from "../../gateway/render-reply.ts";
import { parsePush } from "../../shared/wechat/push.ts";
import { pushes } from "../fixtures/pushes.ts";
import { parseReply } from "../support/wechat-server.ts";

const echoOf = (routingKey: string, event: object) => echo({ routingKey, body: Buffer.from(JSON.stringify(event)) });

for (const { name, body, echo: expected } of pushes) {
  test(`echo of ${name}`, () => {
    const push = parsePush(Buffer.from(body), "shop");
    const verdict = echo({ routingKey: push.routingKey, body: Buffer.from(push.json) });
    assert.ok(verdict.kind === "taken");
    const text = renderReply(verdict.reply, push);
    if (expected === "success") return assert.equal(text, "success");
    const { ToUserName, FromUserName, CreateTime, ...fields } = parseReply(text);
    assert.deepEqual([ToUserName, FromUserName, typeof CreateTime], [push.FromUserName, push.ToUserName, "number"]);
    assert.deepEqual(fields, expected);
  });
}

test("what has no text to echo, or too much, is success", () => {
  const success = { kind: "taken", reply: { type: "success" } };
  assert.deepEqual(echoOf("msg.text", { Content: "" }), success);
  assert.deepEqual(echoOf("msg.text", {}), success);
  assert.deepEqual(echoOf("msg.text", { Content: "中".repeat(700) }), success);
  assert.deepEqual(echoOf("msg.toString", { Content: "a" }), success);
  assert.deepEqual(echoOf("__proto__", { Content: "a" }), success);
});
