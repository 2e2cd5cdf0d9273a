import assert from "node:assert/strict";
import { test } from "node:test";
import { createWechat } from "../support/wechat-server.ts";
import { call, startBridge } from "./endpoints/start-bridge.ts";

test("a path with Chinese in it is a service's like any other, percent-encoded in the request", async (t) => {
  const { url, logged } = await startBridge(t, {
    apiBase: "http://127.0.0.1:1",
    service: { "listen-endpoints": { "service-path": "/微" } },
  });
  const page = `${url}/%E5%BE%AE`;
  const wechat = createWechat({ url: page, token: "token-of-plain", appId: "wxapp_plain" });
  const answer = await wechat.push("<xml><MsgType>text</MsgType><MsgId>1</MsgId><Content>hi</Content></xml>");
  assert.match(answer.body, /<Content><!\[CDATA\[hi\]\]>/);
  assert.equal((await call(page)).status, 400);
  assert.match(logged.find((line) => line.includes('"msg":"request refused"')) ?? "", /"service":"plain"/);
  assert.equal((await call(page, { method: "PUT" })).status, 405);
});
