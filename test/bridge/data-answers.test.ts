import assert from "node:assert/strict";
import { test } from "node:test";
import { createBackend } from "../support/backend-server.ts";
import { until } from "../support/until.ts";
import { busKinds, createSystem, type System } from "./system.ts";

const delivered = '{"ErrCode":0,"ErrMsg":"success"}';
const push = `{"ToUserName":"gh_1","FromUserName":"oWECHAT","CreateTime":1700000000,"MsgType":"event","Event":"xpay_goods_deliver_notify","OpenId":"oUSER1","OutTradeNo":"T1","Env":0}`;

async function lateReplyCame(system: System): Promise<void> {
  const told = 'wx_replies_total{service="game",outcome="late"} 1\n';
  await until(async () => (await system.metrics()).includes(told), "the late reply");
}

for (const bus of busKinds) {
  test(`${bus}: a data answer that came too late is what WeChat's next try gets, and the backend is asked once`, async (t) => {
    const answer = Promise.withResolvers<{ body: object }>();
    const backend = await createBackend(t, () => answer.promise);
    const services = [{ name: "game", sealed: true, "msg-proxy-pass": backend.url, "reply-budget": 500 }];
    const system = await createSystem(t, { bus, services, settings: { "dont-append-userinfo": true } });
    assert.equal((await system.wechat("game").push(push)).opened, "success");
    answer.resolve({ body: { type: "raw", msg: delivered } });
    await lateReplyCame(system);
    for (const next of [2, 3]) {
      const { opened, sealed, verified } = await system.wechat("game").push(push);
      assert.deepEqual(
        { opened, sealed, verified },
        { opened: delivered, sealed: true, verified: true },
        `try ${next}`,
      );
    }
    assert.equal(backend.requests.length, 1);
  });
}
