import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { createWechatApis } from "../../../shared/api/wechat-apis.ts";
import { createHttpsServer } from "../../support/https-server.ts";
import { createLoopbackServer } from "../../support/loopback-server.ts";
import { configOf, service } from "../config/sample-config.ts";
import { createKeptLog } from "./api-server.ts";

const code = "/sns/oauth2/access_token";
const most = 100;

test("however many ask for pages, WeChat is asked over 100 connections at once, and others need not wait for them", async (t) => {
  const held: ServerResponse[] = [];
  const all = Promise.withResolvers<void>();
  let isHolding = true;
  const server = await createLoopbackServer(t, (request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://x");
    if (pathname === "/cgi-bin/stable_token") response.end('{"access_token":"T","expires_in":7200}');
    else if (pathname !== code || !isHolding) response.end("{}");
    else if (held.push(response) === most) all.resolve();
  });
  const config = await configOf({ services: [service({})], "wx-api-base": server.url });
  const apis = createWechatApis(config, createKeptLog().log);
  t.after(() => apis.close());
  const [account] = config.accounts;
  assert.ok(account);
  const api = apis.of(account);

  const pages = Array.from({ length: 3 * most }, () => api.call(code, { bare: true, query: { code: "c" } }));
  await all.promise;
  await api.call("/cgi-bin/user/info");
  assert.equal(held.length, most);
  assert.ok(server.connections <= most + 2, `${server.connections} connections`);

  isHolding = false;
  for (const response of held) response.end("{}");
  assert.equal((await Promise.all(pages)).length, 3 * most);
});

for (const bare of [true, false]) {
  const what = bare ? "without" : "with";
  test(`where WeChat would speak HTTP/2, a connection that went silent costs one call ${what} a token, not those that follow`, async (t) => {
    let isHanging = false;
    const server = await createHttpsServer(t, (request, response) => {
      if (isHanging) isHanging = false;
      else response.end('{"access_token":"T","expires_in":7200}');
    });
    const config = await configOf({ services: [service({})], "wx-api-base": server.url });
    const apis = createWechatApis(config, createKeptLog().log);
    t.after(() => apis.close());
    const [account] = config.accounts;
    assert.ok(account);
    const call = () => apis.of(account).call("/cgi-bin/user/info", { bare, timeout: 1000 });
    await call();
    isHanging = true;
    await assert.rejects(call(), { code: "API_UNREACHABLE" });
    await call();
    assert.equal(server.accepted, 2);
  });
}
