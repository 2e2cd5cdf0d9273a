import assert from "node:assert/strict";
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiFailure } from "../../../shared/api/api-failure.ts";
import { createTokenStore, type TokenStoreOptions } from "../../../shared/api/token-store.ts";
import { isFailure } from "../../../shared/failure.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { createApiServer, createClock, createKeptLog, type ApiServer } from "./api-server.ts";

const stable = "/cgi-bin/stable_token";
const appSecret = "0123456789abcdef0123456789abcdef";
const account = { name: "shop", appId: "wx1", appSecret, tokenApi: "stable_token" } as const;

function createStore(server: ApiServer, given: Partial<TokenStoreOptions> = {}) {
  const { log, lines, find } = createKeptLog();
  const store = createTokenStore({ account, apiBase: server.apiBase, http: server.http, log, ...given });
  return { ...store, lines, find };
}

const epoch = () => Math.floor(Date.now() / 1000);

test("fifty who ask at once share one call to stable_token", async (t) => {
  const server = await createApiServer(t);
  const store = createStore(server, { cacheDir: createTemporaryFolder(t) });
  const tokens = await Promise.all(Array.from({ length: 50 }, () => store.get()));
  assert.deepEqual(new Set(tokens), new Set(["AT_1"]));
  assert.equal(await store.get(), "AT_1");
  assert.equal(server.calls.length, 1);
  const { method, target, headers, body } = server.calls[0]!;
  assert.deepEqual([method, target, headers["content-type"]], ["POST", stable, "application/json; charset=utf-8"]);
  assert.deepEqual(JSON.parse(body), {
    grant_type: "client_credential",
    appid: "wx1",
    secret: appSecret,
    force_refresh: false,
  });
});

test('token-api "token" asks GET /cgi-bin/token', async (t) => {
  const server = await createApiServer(t);
  const store = createStore(server, { account: { ...account, appSecret: "a b+c", tokenApi: "token" } });
  assert.equal(await store.get(), "AT_1");
  assert.equal(server.calls[0]?.method, "GET");
  assert.equal(server.calls[0]?.target, "/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=a%20b%2Bc");
});

test("the file has the form that go-wx-gateway reads, and other stores use it", async (t) => {
  const server = await createApiServer(t);
  const cacheDir = join(createTemporaryFolder(t), "deep", "er");
  const before = epoch();
  const store = createStore(server, { cacheDir });
  assert.equal(await store.get(), "AT_1");
  assert.deepEqual(store.lines, [], "a file that is yet to come is no fault");
  const text = await readFile(join(cacheDir, "wx1"), "utf8");
  const { expire } = JSON.parse(text) as { expire: number };
  assert.equal(text, `{"expire":${expire},"token":"AT_1"}`);
  assert.ok(expire >= before + 7190 && expire <= epoch() + 7190);
  assert.equal((await stat(join(cacheDir, "wx1"))).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(cacheDir), ["wx1"]);

  assert.equal(await createStore(server, { cacheDir }).get(), "AT_1");
  assert.equal(server.calls.length, 1);
});

test("an expired file is a miss, and is looked at again when memory has expired", async (t) => {
  const server = await createApiServer(t);
  const cacheDir = createTemporaryFolder(t);
  const file = join(cacheDir, "wx1");
  await writeFile(file, JSON.stringify({ expire: epoch() - 1, token: "OLD" }));
  server.on(stable, () => ({ access_token: "SHORT", expires_in: 11 }));
  const store = createStore(server, { cacheDir });
  assert.equal(await store.get(), "SHORT");
  await sleep(1100);
  await writeFile(file, JSON.stringify({ expire: epoch() + 100, token: "FROM_ANOTHER" }));
  assert.equal(await store.get(), "FROM_ANOTHER");
  assert.equal(server.calls.length, 1);
});

for (const text of [
  "",
  "garbage",
  "null",
  "[]",
  '{"token":"X"}',
  '{"expire":"9999999999","token":"X"}',
  '{"expire":9999999999,"token":""}',
  "HIDDEN_TOKEN",
]) {
  test(`a corrupt file is a miss: ${text || "empty"}`, async (t) => {
    const server = await createApiServer(t);
    const cacheDir = createTemporaryFolder(t);
    await writeFile(join(cacheDir, "wx1"), text);
    const store = createStore(server, { cacheDir });
    assert.equal(await store.get(), "AT_1");
    assert.equal(store.find("credential file not usable").length, 1);
    assert.equal(store.find("HIDDEN").length, 0);
    assert.match(await readFile(join(cacheDir, "wx1"), "utf8"), /"token":"AT_1"/);
  });
}

test("a folder that cannot be written is told once and is no outage", async (t) => {
  const server = await createApiServer(t);
  const plainFile = join(createTemporaryFolder(t), "file");
  await writeFile(plainFile, "");
  const store = createStore(server, { cacheDir: join(plainFile, "below") });
  assert.equal(await store.get(), "AT_1");
  store.drop("AT_1");
  assert.equal(await store.get(), "AT_2");
  assert.equal(await store.get(), "AT_2");
  assert.equal(store.find("cannot be written").length, 1);
  assert.equal(store.find("AT_").length, 0);
});

test("a token is dropped only when it is the one that failed", async (t) => {
  const server = await createApiServer(t);
  const store = createStore(server);
  await store.get();
  store.drop("AT_0");
  assert.equal(await store.get(), "AT_1");
  assert.equal(server.calls.length, 1);
});

test("after a drop the file of another process is used before WeChat is asked", async (t) => {
  const server = await createApiServer(t);
  const cacheDir = createTemporaryFolder(t);
  const store = createStore(server, { cacheDir });
  const other = createStore(server, { cacheDir });
  await Promise.all([store.get(), other.get()]);
  const calls = server.calls.length;
  server.newToken();
  store.drop("AT_1");
  assert.equal(await store.get(), "AT_2");
  other.drop("AT_1");
  assert.equal(await other.get(), "AT_2");
  assert.equal(server.calls.length, calls + 1);
});

test("stable_token is forced only when it hands out the failed token again", async (t) => {
  const server = await createApiServer(t);
  const store = createStore(server);
  await store.get();
  store.drop("AT_1");
  assert.equal(await store.get(), "AT_2");
  assert.deepEqual(
    server.calls.map(({ body }) => body.includes('"force_refresh":true')),
    [false, false, true],
  );
});

test("a token that is refused and handed out all the same is a failure", async (t) => {
  const server = await createApiServer(t);
  server.on(stable, () => ({ access_token: "SAME", expires_in: 7200 }));
  const store = createStore(server);
  await store.get();
  store.drop("SAME");
  await assert.rejects(store.get(), { name: "ApiFailure", errcode: 40001 });
  assert.equal(server.calls.length, 3);
});

test("an empty token or an errcode is a failure and not stored", async (t) => {
  const server = await createApiServer(t);
  const clock = createClock();
  const cacheDir = createTemporaryFolder(t);
  const store = createStore(server, { cacheDir, now: clock.now });
  const bad = [
    { access_token: "", expires_in: 7200 },
    { access_token: "X" },
    { errcode: 40013, errmsg: "invalid appid" },
  ];
  for (const answer of bad) {
    server.on(stable, () => answer);
    await assert.rejects(store.get());
    clock.pass(60_000);
  }
  assert.deepEqual(await readdir(cacheDir), []);
});

test("a failed fetch is backed off for 1 s, doubled up to 60 s, and its failure given at once", async (t) => {
  const server = await createApiServer(t);
  const clock = createClock();
  server.on(stable, () => ({ errcode: 40125, errmsg: "invalid appsecret, rid: 1-2-3" }));
  const store = createStore(server, { now: clock.now });
  let calls = 0;
  for (const wait of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
    await assert.rejects(store.get(), {
      code: "API_REFUSED",
      errcode: 40125,
      message: "invalid appsecret, rid: 1-2-3",
    });
    calls++;
    clock.pass(wait - 1);
    await assert.rejects(store.get(), { errcode: 40125 });
    assert.equal(server.calls.length, calls);
    clock.pass(1);
  }
  assert.equal(store.find("check app-secret").length, calls);
  server.on(stable, () => ({ access_token: "GOOD", expires_in: 7200 }));
  assert.equal(await store.get(), "GOOD");
});

for (const [errcode, advice] of [
  [45009, /clear_quota/],
  [45011, /minute/],
] as const) {
  test(`${errcode} is backed off for a minute`, async (t) => {
    const server = await createApiServer(t);
    const clock = createClock();
    server.on(stable, () => ({ errcode, errmsg: "quota" }));
    const store = createStore(server, { now: clock.now });
    await assert.rejects(store.get(), { errcode });
    assert.match(store.lines[0]!, advice);
    clock.pass(59_999);
    await assert.rejects(store.get(), { errcode });
    assert.equal(server.calls.length, 1);
    clock.pass(1);
    await assert.rejects(store.get(), { errcode });
    assert.equal(server.calls.length, 2);
  });
}

test("40164 says what to do, with the address that WeChat names", async (t) => {
  const server = await createApiServer(t);
  server.on(stable, () => ({ errcode: 40164, errmsg: "invalid ip 1.2.3.4, not in whitelist rid: 1" }));
  const store = createStore(server);
  await assert.rejects(store.get(), (error) => error instanceof ApiFailure && /IP whitelist/.test(error.advice ?? ""));
  const { errcode, reason } = JSON.parse(store.lines[0]!) as Record<string, unknown>;
  assert.deepEqual([errcode, reason], [40164, "invalid ip 1.2.3.4, not in whitelist rid: 1"]);
});

test("another process's token ends the back-off", async (t) => {
  const server = await createApiServer(t);
  const cacheDir = createTemporaryFolder(t);
  server.on(stable, () => ({ errcode: 45009, errmsg: "quota" }));
  const store = createStore(server, { cacheDir });
  await assert.rejects(store.get());
  await writeFile(join(cacheDir, "wx1"), JSON.stringify({ expire: epoch() + 100, token: "FROM_ANOTHER" }));
  assert.equal(await store.get(), "FROM_ANOTHER");
});

test("tokens that WeChat refuses one after the other are not fetched without end", async (t) => {
  const server = await createApiServer(t);
  const clock = createClock();
  const store = createStore(server, { account: { ...account, tokenApi: "token" }, now: clock.now });
  for (let i = 0; i < 3; i++) store.drop(await store.get());
  store.drop(await store.get());
  await assert.rejects(store.get(), { errcode: 40001, message: "WeChat refuses each new access_token" });
  assert.equal(server.calls.length, 4);
  clock.pass(1000);
  assert.equal(await store.get(), "AT_5");
});

test("tokens that WeChat refuses now and then are fetched at once, however many", async (t) => {
  const server = await createApiServer(t);
  const clock = createClock();
  const store = createStore(server, { account: { ...account, tokenApi: "token" }, now: clock.now });
  for (let i = 1; i <= 5; i++) {
    store.drop(await store.get());
    assert.equal(await store.get(), `AT_${i + 1}`);
    clock.pass(600_000);
  }
});

test("the deadline bounds the wait; the fetch goes on for later callers", async (t) => {
  const server = await createApiServer(t);
  const { promise: said, resolve: say } = Promise.withResolvers<object>();
  server.on(stable, () => said);
  const store = createStore(server);
  await assert.rejects(store.get(Date.now() + 50), { code: "API_UNREACHABLE" });
  say({ access_token: "LATE", expires_in: 7200 });
  assert.equal(await store.get(), "LATE");
  assert.equal(await store.get(Date.now() - 1), "LATE");
  assert.equal(server.calls.length, 1);
});

test("no secret and no token in any failure or log line", async (t) => {
  const server = await createApiServer(t);
  for (const tokenApi of ["stable_token", "token"] as const) {
    const path = `/cgi-bin/${tokenApi}`;
    for (const answer of [
      { errcode: 41004, errmsg: `bad secret ${appSecret}` },
      { status: 502, text: `proxy says ${appSecret}` },
      { status: 200, text: `<html>${appSecret}` },
      "reset" as const,
      "truncate" as const,
    ]) {
      server.on(path, () => answer);
      const store = createStore(server, { account: { ...account, tokenApi } });
      await assert.rejects(store.get(), (error: Error) => {
        assert.ok(isFailure(error));
        assert.ok(!JSON.stringify([error, error.message, error.stack, error.cause ?? ""]).includes(appSecret));
        return true;
      });
      assert.equal(store.lines.length, 1);
      assert.equal(store.find(appSecret).length, 0);
    }
  }
});

test("without an app-secret nothing is asked", async (t) => {
  const server = await createApiServer(t);
  const store = createStore(server, { account: { ...account, appSecret: "" } });
  await assert.rejects(store.get(), { code: "CONFIG_INVALID", message: "no app-secret configured for shop" });
  store.drop("AT_1");
  assert.equal(server.calls.length, 0);
});
