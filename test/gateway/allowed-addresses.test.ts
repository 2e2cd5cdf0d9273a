import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createAllowedAddresses } from "../../gateway/allowed-addresses.ts";
import { createWechatApi as createClient } from "../../shared/api/wechat-api.ts";
import { createApiServer, createKeptLog } from "../shared/api/api-server.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { createWechatApi, type WechatApi } from "../support/wechat-api-server.ts";
import { createWechat } from "../support/wechat-server.ts";
import { startBridge } from "./endpoints/start-bridge.ts";

const path = "/cgi-bin/getcallbackip";
const textPush =
  "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oUSER]]></FromUserName>" +
  "<CreateTime>1348831860</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[hi]]></Content>" +
  "<MsgId>1234567890123456</MsgId></xml>";

async function createAccount(t: TestContext, { url: apiBase }: Pick<WechatApi, "url">) {
  const { url } = await startBridge(t, { apiBase, service: { "allow-from": "wechat" } });
  return createWechat({ url: `${url}/wx-plain`, token: "token-of-plain", appId: "wxapp_plain" });
}

test("pushes from WeChat's addresses are taken", async (t) => {
  const api = await createWechatApi(t, { ipList: ["203.0.113.5", "127.0.0.0/8", "2001:db8::/32"] });
  const wechat = await createAccount(t, api);
  const { status, body } = await wechat.push(textPush);
  assert.equal(status, 200);
  assert.match(body, /<Content><!\[CDATA\[hi\]\]><\/Content>/);
  assert.equal(api.count(path), 1);
});

test("pushes from elsewhere are refused, the check of the URL is not", async (t) => {
  const api = await createWechatApi(t, { ipList: ["203.0.113.5"] });
  const wechat = await createAccount(t, api);
  const { status, body } = await wechat.push(textPush);
  assert.deepEqual([status, body], [403, "address not allowed\n"]);
  assert.equal((await wechat.verifyUrl("echo")).body, "echo");
});

test("a push before the first list waits for it", async (t) => {
  const api = await createApiServer(t);
  const list = Promise.withResolvers<object>();
  api.on(path, () => list.promise);
  const wechat = await createAccount(t, { url: api.apiBase });
  const pushing = wechat.push(textPush);
  await wechat.verifyUrl("echo");
  list.resolve({ ip_list: ["127.0.0.1"] });
  assert.equal((await pushing).status, 200);
});

test("a push that finds no list is answered 503 in time, so that WeChat pushes again", async (t) => {
  const api = await createWechatApi(t);
  api.fail(path, "hang");
  const wechat = await createAccount(t, api);
  const { status, body, ms } = await wechat.push(textPush);
  assert.deepEqual([status, body], [503, "WeChat's addresses are not known yet\n"]);
  assert.ok(ms < 5000, `${ms} ms`);
  assert.equal((await wechat.verifyUrl("echo")).body, "echo");
});

async function createAddresses(t: TestContext, cacheDir?: string) {
  const server = await createApiServer(t);
  const { log, find } = createKeptLog();
  const account = { name: "shop", appId: "wx1", appSecret: "SECRET", tokenApi: "stable_token" } as const;
  const api = createClient({ account, apiBase: server.apiBase, http: server.http, log });
  const waits = { refresh: 50, retry: 20, first: 20 };
  const addresses = createAllowedAddresses({ account, cacheDir, api, log, waits });
  t.after(() => addresses.stop());
  return { server, addresses, find };
}

test("the list is fetched again and again, and stays when that fails", async (t) => {
  const { server, addresses, find } = await createAddresses(t);
  server.on(path, () => ({ ip_list: ["203.0.113.5", "198.51.100.0/24", "nonsense", "10.0.0.0/99", 7] }));
  assert.equal(addresses.allows("203.0.113.5"), false);
  addresses.start();
  await addresses.ready();
  const allowed = () =>
    ["203.0.113.5", "::ffff:198.51.100.77", "203.0.113.6", "10.0.0.1"].map((address) => addresses.allows(address));
  assert.deepEqual(allowed(), [true, true, false, false]);

  server.on(path, () => "reset");
  await until(() => find("the last list stays").length >= 3, "the last list stays");
  server.on(path, () => ({ ip_list: [] }));
  const failures = find("the last list stays").length;
  await until(() => find("the last list stays").length >= failures + 3, "the last list stays");
  assert.deepEqual(allowed(), [true, true, false, false]);

  server.on(path, () => ({ ip_list: ["203.0.113.6"] }));
  await until(() => addresses.allows("203.0.113.6"), "the new list");
  assert.deepEqual(allowed(), [false, false, true, false]);
});

test("the first list is tried for until it comes; stop ends it", async (t) => {
  const { server, addresses, find } = await createAddresses(t);
  server.on(path, () => ({ errcode: 40164, errmsg: "invalid ip" }));
  addresses.start();
  await assert.rejects(addresses.ready(), { code: "NOT_HELD", message: "WeChat's addresses are not known yet" });
  await until(() => find("no push is taken without them").length >= 3, "no push is taken without them");
  assert.match(find("no push is taken")[0] ?? "", /IP whitelist/);
  server.on(path, () => ({ ip_list: ["203.0.113.5"] }));
  await until(() => addresses.allows("203.0.113.5"), "the new list");
  await addresses.ready();
  addresses.stop();
  await sleep(60);
  const calls = server.count(path);
  await sleep(150);
  assert.equal(server.count(path), calls);
});

test("a list outlives the process, which need not wait for WeChat at its next start", async (t) => {
  const cacheDir = createTemporaryFolder(t);
  const before = await createAddresses(t, cacheDir);
  before.server.on(path, () => ({ ip_list: ["203.0.113.5"] }));
  before.addresses.start();
  const file = join(cacheDir, "wx1.callbackip");
  await until(() => existsSync(file), "the file");
  before.addresses.stop();

  const { server, addresses, find } = await createAddresses(t, cacheDir);
  server.on(path, () => "reset");
  addresses.start();
  await addresses.ready();
  assert.deepEqual([addresses.allows("203.0.113.5"), addresses.allows("203.0.113.6")], [true, false]);
  await until(() => find("the last list stays").length > 0, "the last list stays");
});

test("a list on disk that holds no address lets nobody in", async (t) => {
  const cacheDir = createTemporaryFolder(t);
  await writeFile(join(cacheDir, "wx1.callbackip"), '{"ip_list":["nonsense"]}');
  const { server, addresses, find } = await createAddresses(t, cacheDir);
  server.on(path, () => "reset");
  addresses.start();
  await until(() => find("no push is taken without them").length > 0, "no push is taken without them");
  assert.equal(addresses.allows("203.0.113.5"), false);
  assert.equal(find("address file not usable").length, 1);
});
