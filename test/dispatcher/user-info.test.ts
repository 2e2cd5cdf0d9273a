import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createUserInfo } from "../../dispatcher/user-info.ts";
import { createWechatApi } from "../../shared/api/wechat-api.ts";
import { createApiServer, createClock, createKeptLog } from "../shared/api/api-server.ts";
import { until } from "../support/until.ts";

const path = "/cgi-bin/user/info";
const stable = "/cgi-bin/stable_token";

async function createUsers(t: TestContext, appSecret = "SECRET-OF-SHOP") {
  const server = await createApiServer(t);
  const { log, lines, find } = createKeptLog();
  const account = { name: "shop", appId: "wx1", appSecret, tokenApi: "stable_token" } as const;
  const clock = createClock();
  const api = createWechatApi({ account, apiBase: server.apiBase, http: server.http, log, now: clock.now });
  const users = createUserInfo(api, { log, now: clock.now });
  return { server, users, clock, lines, find };
}

const skipped = { error: "user/info skipped after 3 failures in a row" };

test("fifty pushes of one user at once are one call, with every field as WeChat sent it", async (t) => {
  const { server, users } = await createUsers(t);
  const text =
    '{"subscribe":1,"openid":"o1","tagid_list":[128,2],"qr_scene":3705115058471208928,"new_field":{"x":1.0}}\n';
  server.on(path, () => ({ status: 200, text }));
  const found = await Promise.all(Array.from({ length: 50 }, () => users.get("o1", 1500)));
  for (const answer of found) assert.deepEqual(answer, { text });
  assert.deepEqual(await users.get("o1", 1500), { text });
  assert.deepEqual(
    server.calls.map((call) => call.path),
    [stable, path],
  );
  assert.equal(server.calls[1]?.target, `${path}?openid=o1&lang=zh_CN&access_token=AT_1`);
});

test("an answer is remembered for 5 minutes", async (t) => {
  const { server, users, clock } = await createUsers(t);
  await users.get("o1", 1000);
  clock.pass(299_000);
  await users.get("o1", 1000);
  assert.equal(server.count(path), 1);
  clock.pass(1001);
  await users.get("o1", 1000);
  assert.equal(server.count(path), 2);
});

test("a remembered answer needs neither WeChat nor budget", async (t) => {
  const { server, users } = await createUsers(t);
  const first = await users.get("o1", 1000);
  for (let i = 0; i < 1000; i++) assert.equal(await users.get("o1", 0), first);
  assert.equal(server.count(path), 1);
});

test("ten thousand users are remembered, the latest ones", async () => {
  let calls = 0;
  const call = async () => ({ text: `{"n":${++calls}}`, json: {} });
  const users = createUserInfo({ call }, createKeptLog());
  for (let i = 0; i <= 10_000; i++) await users.get(`o${i}`, 1000);
  await users.get("o10000", 1000);
  assert.equal(calls, 10_001);
  await users.get("o0", 1000);
  assert.equal(calls, 10_002);
});

test("an account that has asked for nobody takes next to no memory", async () => {
  const api = { call: async () => ({ text: "{}", json: {} }) };
  const before = process.memoryUsage().rss;
  const accounts = Array.from({ length: 300 }, () => createUserInfo(api, createKeptLog()));
  const each = (process.memoryUsage().rss - before) / accounts.length;
  assert.ok(each < 100_000, `${each} bytes`);
});

test("32 MiB of users are remembered, the latest ones", async (t) => {
  const { server, users } = await createUsers(t);
  server.on(path, () => ({ status: 200, text: `{"remark":"${"x".repeat(1_000_000)}"}` }));
  const count = 36;
  for (let i = 0; i < count; i++) await users.get(`o${i}`, 1000);
  await users.get(`o${count - 1}`, 1000);
  assert.equal(server.count(path), count);
  await users.get("o0", 1000);
  assert.equal(server.count(path), count + 1);
});

test("forget makes the next get ask again, also when a call is on its way", async (t) => {
  const { server, users } = await createUsers(t);
  const { promise: said, resolve: say } = Promise.withResolvers<object>();
  let n = 0;
  server.on(path, () => (++n === 1 ? said : { n }));
  const first = users.get("o1", 1000);
  await until(() => n === 1, "the first call");
  users.forget("o1");
  assert.deepEqual(await users.get("o1", 1000), { text: '{"n":2}' });
  say({ n: 1 });
  assert.deepEqual(await first, { text: '{"n":1}' });
  assert.deepEqual(await users.get("o1", 1000), { text: '{"n":2}' });
  users.forget("o1");
  assert.deepEqual(await users.get("o1", 1000), { text: '{"n":3}' });
});

test("waits the budget, at most 1 s; what comes later serves the next push", async (t) => {
  const { server, users } = await createUsers(t);
  const { promise: said, resolve: say } = Promise.withResolvers<object>();
  server.on(path, () => said);
  assert.deepEqual(await users.get("o1", 100), { error: "user/info: no answer in 100 ms" });
  assert.deepEqual(await users.get("o1", 60_000), { error: "user/info: no answer in 1000 ms" });
  say({ openid: "o1" });
  assert.deepEqual(await users.get("o1", 1000), { text: '{"openid":"o1"}' });
  assert.equal(server.count(path), 1);
});

test("without time left nothing is asked", async (t) => {
  const { server, users } = await createUsers(t);
  for (const budget of [0, -5, Number.NaN])
    assert.deepEqual(await users.get("o1", budget), { error: "user/info: no time left" });
  assert.equal(server.calls.length, 0);
});

test("WeChat's refusal is the error's text", async (t) => {
  const { server, users } = await createUsers(t);
  server.on(path, () => ({ errcode: 40003, errmsg: "invalid openid rid: 1" }));
  for (let i = 0; i < 5; i++) assert.deepEqual(await users.get("o1", 1000), { error: "invalid openid rid: 1" });
  assert.equal(server.count(path), 5);
});

test("46004 about one openid breaks a row of failures", async (t) => {
  const { server, users } = await createUsers(t);
  for (const answer of ["reset", "reset", { errcode: 46004, errmsg: "user not exist" }, "reset", "reset"] as const) {
    server.on(path, () => answer);
    assert.notDeepEqual(await users.get("o1", 1000), skipped);
  }
  server.on(path, () => ({ openid: "o1" }));
  assert.deepEqual(await users.get("o1", 1000), { text: '{"openid":"o1"}' });
});

test("after 3 failures in a row it is skipped for 10 s, then one call tries", async (t) => {
  const { server, users, clock, find } = await createUsers(t);
  await users.get("known", 1000);
  server.on(path, () => "reset");
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await users.get("o1", 1000), { error: `GET ${path}: no answer (ECONNRESET)` });
  }
  assert.deepEqual(await users.get("o1", 1000), skipped);
  assert.deepEqual(await users.get("known", 1000), { text: '{"errcode":0,"errmsg":"ok"}' });
  clock.pass(9999);
  assert.deepEqual(await users.get("o2", 1000), skipped);
  assert.equal(server.count(path), 4);

  clock.pass(1);
  const answers = await Promise.all([users.get("o1", 1000), users.get("o2", 1000), users.get("o3", 1000)]);
  assert.deepEqual(answers.slice(1), [skipped, skipped]);
  assert.equal(server.count(path), 5);
  assert.equal(find("user/info skipped").length, 1);

  clock.pass(10_000);
  server.on(path, ({ query }) => ({ openid: query["openid"] }));
  assert.deepEqual(await users.get("o1", 1000), { text: '{"openid":"o1"}' });
  assert.deepEqual(await users.get("o2", 1000), { text: '{"openid":"o2"}' });
  assert.equal(find("user/info answers again").length, 1);
});

test("timeouts count, for one user as for many; those who waited together count once", async (t) => {
  const { server, users } = await createUsers(t);
  server.on(path, () => "hang");
  await Promise.all(Array.from({ length: 50 }, () => users.get("o1", 200)));
  for (let i = 0; i < 2; i++) assert.deepEqual(await users.get("o1", 200), { error: "user/info: no answer in 200 ms" });
  assert.deepEqual(await users.get("o1", 200), skipped);
  assert.equal(server.count(path), 1);
});

test("a timeout after a short wait is not held against WeChat", async (t) => {
  const { server, users } = await createUsers(t);
  server.on(path, () => "hang");
  for (let i = 0; i < 5; i++) assert.deepEqual(await users.get("o1", 20), { error: "user/info: no answer in 20 ms" });
});

test("fifty who wait for one call that fails count as one failure", async (t) => {
  const { server, users } = await createUsers(t);
  server.on(path, () => "reset");
  await Promise.all(Array.from({ length: 50 }, () => users.get("o1", 1000)));
  server.on(path, () => ({ openid: "o1" }));
  assert.deepEqual(await users.get("o1", 1000), { text: '{"openid":"o1"}' });
});

test("credential failures count, and the log says what to do", async (t) => {
  const { server, users, find } = await createUsers(t);
  server.on(stable, () => ({ errcode: 40125, errmsg: "invalid appsecret" }));
  for (let i = 0; i < 3; i++) assert.deepEqual(await users.get("o1", 1000), { error: "invalid appsecret" });
  assert.deepEqual(await users.get("o1", 1000), skipped);
  assert.match(find("user/info skipped")[0] ?? "", /check app-secret/);
  assert.equal(server.calls.length, 1);
});

test("a token that was invalidated is renewed unseen", async (t) => {
  const { server, users } = await createUsers(t);
  server.on(path, ({ query }) =>
    query["access_token"] === "AT_1" ? { errcode: 40001, errmsg: "invalid" } : { openid: "o1" },
  );
  assert.deepEqual(await users.get("o1", 1000), { text: '{"openid":"o1"}' });
});

test("an account without app-secret says so, always, and asks nothing", async (t) => {
  const { server, users, lines } = await createUsers(t, "");
  for (let i = 0; i < 5; i++)
    assert.deepEqual(await users.get("o1", 1000), { error: "no app-secret configured for shop" });
  assert.equal(server.calls.length, 0);
  assert.deepEqual(lines, []);
});

test("no error and no log line holds a token or a secret", async (t) => {
  const { server, users, find } = await createUsers(t);
  server.on(path, () => ({ errcode: 48001, errmsg: "api unauthorized AT_1 SECRET-OF-SHOP" }));
  for (let i = 0; i < 3; i++) assert.deepEqual(await users.get("o1", 1000), { error: "api unauthorized *** ***" });
  assert.equal(find("AT_1").length + find("SECRET-OF-SHOP").length, 0);
});
