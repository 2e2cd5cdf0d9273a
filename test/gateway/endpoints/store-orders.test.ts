import assert from "node:assert/strict";
import { test } from "node:test";
import { createApiServer } from "../../shared/api/api-server.ts";
import { answered, call, startBridge } from "./start-bridge.ts";

const order =
  '{"order_id":3705115058471208928, "price":10.50,\n "ext":{"name":"\\u4f60 \\/ 你","big":[12345678901234567890]}}';

const rows = [
  {
    endpoint: "channels-ec-order-detail",
    path: "/channels/ec/order/get",
    sent: '{"order_id":"3705115058471208928"}',
    answer: `{"errcode":0,"errmsg":"ok","order":${order}}`,
    body: `{"code":200,"msg":"OK","order":${order}}`,
    none: '{"code":200,"msg":"OK","order":null}',
  },
  {
    endpoint: "channels-ec-refund-detail",
    path: "/channels/ec/aftersale/getaftersaleorder",
    sent: '{"after_sale_order_id":"3705115058471208928"}',
    answer: `{"errcode":0,"errmsg":"ok","after_sale_order":${order}}`,
    body: `{"aftersaleOrder":${order},"code":200,"msg":"OK"}`,
    none: '{"aftersaleOrder":null,"code":200,"msg":"OK"}',
  },
];

for (const { endpoint, path, sent, answer, body, none } of rows) {
  test(`${endpoint} gives the order to the last digit`, async (t) => {
    const api = await createApiServer(t);
    api.on(path, () => ({ status: 200, text: answer }));
    const { url } = await startBridge(t, { apiBase: api.apiBase });
    assert.deepEqual(await call(`${url}/${endpoint}?s=ec&o=3705115058471208928`), answered(body));
    assert.deepEqual([api.calls.at(-1)?.method, api.calls.at(-1)?.body], ["POST", sent]);
    api.on(path, () => ({ errcode: 0, errmsg: "ok" }));
    assert.deepEqual(await call(`${url}/${endpoint}?s=ec&o=1`), answered(none));
  });

  test(`${endpoint} refuses other accounts and missing ids, and passes refusals on`, async (t) => {
    const api = await createApiServer(t);
    const { url } = await startBridge(t, { apiBase: api.apiBase });
    const noStore = String.raw`{"code":400,"msg":"service \"plain\" is no store: it lacks is-channels-ec"}`;
    assert.deepEqual(await call(`${url}/${endpoint}?s=plain&o=1`), answered(noStore, 400));
    const noId = '{"code":400,"msg":"o(rder id) parameter expected"}';
    assert.deepEqual(await call(`${url}/${endpoint}?s=ec`), answered(noId, 400));
    assert.equal(api.calls.length, 0);
    api.on(path, () => ({ errcode: 10020050, errmsg: "no permission" }));
    const refused = '{"code":500,"errcode":10020050,"msg":"no permission"}';
    assert.deepEqual(await call(`${url}/${endpoint}?s=ec&o=1`), answered(refused, 500));
  });
}
