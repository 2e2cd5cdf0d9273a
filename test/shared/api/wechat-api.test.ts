import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createJsapiTicketStore } from "../../../shared/api/jsapi-ticket-store.ts";
import { createWechatApi } from "../../../shared/api/wechat-api.ts";
import { isFailure } from "../../../shared/failure.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { createWechatApi as createPlatform } from "../../support/wechat-api-server.ts";
import { createApiServer, createKeptLog, type ApiServer } from "./api-server.ts";

const appSecret = "0123456789abcdef0123456789abcdef";
const account = { name: "shop", appId: "wx1", appSecret, tokenApi: "stable_token" } as const;
const path = "/cgi-bin/user/info";
const stable = "/cgi-bin/stable_token";

function createApi(server: ApiServer, given: { apiBase?: string; cacheDir?: string } = {}) {
  const { log, lines, find } = createKeptLog();
  const api = createWechatApi({ account, apiBase: server.apiBase, http: server.http, log, ...given });
  return { ...api, log, lines, find };
}

test("the answer's text is WeChat's, every digit of it", async (t) => {
  const server = await createApiServer(t);
  const text = '{"order_id": 3705115058471208928,\n "remark":"张三😀", "unionid":"o6"}\n';
  server.on(path, () => ({ status: 200, text }));
  const answer = await createApi(server).call(path);
  assert.equal(answer.text, text);
  assert.equal(answer.json["remark"], "张三😀");
});

test("control characters that WeChat leaves as they are in a user's name are escaped, and the rest is as it came", async (t) => {
  const server = await createApiServer(t);
  const sent = '{\n\t"nickname":"\u0014琦\\"娅\n\u0000","unionid":\r\n"o6", "n": 3705115058471208928}\n';
  server.on(path, () => ({ status: 200, text: sent }));
  const { text, json } = await createApi(server).call(path);
  assert.equal(text, '{\n\t"nickname":"\\u0014琦\\"娅\\u000a\\u0000","unionid":\r\n"o6", "n": 3705115058471208928}\n');
  assert.equal(json["nickname"], '\u0014琦"娅\n\0');
});

test("the query is url-encoded and cannot bring other parameters in", async (t) => {
  const server = await createApiServer(t);
  const query = { openid: "a&lang=en #ä+\ud800", access_token: "MINE", n: "5" };
  await createApi(server).call(path, { query });
  const { method, target } = server.calls[1]!;
  assert.equal(method, "GET");
  assert.equal(target, `${path}?openid=a%26lang%3Den%20%23%C3%A4%2B%EF%BF%BD&access_token=AT_1&n=5`);
});

test("a body is sent as JSON; a string as it is", async (t) => {
  const server = await createApiServer(t);
  const api = createApi(server);
  await api.call("/cgi-bin/message/custom/send", { body: { text: { content: "你好 <a>" } } });
  await api.call("/channels/ec/order/get", { body: '{"order_id":3705115058471208928}' });
  const [, first, second] = server.calls;
  assert.deepEqual([first?.method, first?.body], ["POST", '{"text":{"content":"你好 <a>"}}']);
  assert.equal(first?.headers["content-type"], "application/json; charset=utf-8");
  assert.deepEqual([second?.method, second?.body], ["POST", '{"order_id":3705115058471208928}']);
});

test("a base address may have a path", async (t) => {
  const server = await createApiServer(t);
  server.on("/proxy/cgi-bin/stable_token", () => ({ access_token: "AT", expires_in: 7200 }));
  await createApi(server, { apiBase: `${server.apiBase}/proxy/` }).call(path);
  assert.equal(server.calls[1]?.target, `/proxy${path}?access_token=AT`);
});

test("an errcode is an ApiFailure with WeChat's words", async (t) => {
  const server = await createApiServer(t);
  server.on(path, () => ({ errcode: 40003, errmsg: "invalid openid hint: [x] rid: 1-2-3" }));
  const refused = {
    name: "ApiFailure",
    code: "API_REFUSED",
    errcode: 40003,
    message: "invalid openid hint: [x] rid: 1-2-3",
  };
  await assert.rejects(createApi(server).call(path), refused);
  assert.equal(server.count(path), 1);
});

test("an errcode without errmsg still has words; errcode 0 is none", async (t) => {
  const server = await createApiServer(t);
  server.on(path, () => ({ errcode: 47001 }));
  await assert.rejects(createApi(server).call(path), { message: "errcode 47001" });
  server.on(path, () => ({ errcode: 0, errmsg: "ok", msgid: 7 }));
  assert.equal((await createApi(server).call(path)).json["msgid"], 7);
});

test("of a long errmsg 500 characters are passed on, and no part of a secret at their end", async (t) => {
  const server = await createApiServer(t);
  const words = "x".repeat(490);
  server.on(path, () => ({ errcode: 40003, errmsg: words + appSecret }));
  await assert.rejects(createApi(server).call(path), { message: `${words}***` });
  server.on(path, () => ({ errcode: 40003, errmsg: "x".repeat(600) }));
  await assert.rejects(createApi(server).call(path), { message: "x".repeat(500) });
});

test("an account without app-secret gets WeChat's words as they are", async (t) => {
  const server = await createApiServer(t);
  server.on("/sns/userinfo", () => ({ errcode: 41004, errmsg: "appsecret missing" }));
  const options = { account: { ...account, appSecret: "" }, apiBase: server.apiBase, http: server.http };
  const api = createWechatApi({ ...options, log: createKeptLog().log });
  await assert.rejects(api.call("/sns/userinfo", { bare: true }), { message: "appsecret missing" });
});

for (const errcode of [40001, 40014, 42001]) {
  test(`${errcode}: the token is renewed once and the call repeated once`, async (t) => {
    const server = await createApiServer(t);
    server.on(path, ({ query }) =>
      query["access_token"] === "AT_1" ? { errcode, errmsg: "refused" } : { openid: "o1" },
    );
    const api = createApi(server);
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.call(path, { query: { openid: "o1" } })));
    assert.ok(answers.every(({ json }) => json["openid"] === "o1"));
    assert.equal(server.count(path), 40);
    assert.equal(server.count(stable), 3); // the first, the same again, forced
    assert.equal(api.find("WeChat refused the access_token").length, 1);
  });
}

test("a call is repeated only once, whatever the second token is worth", async (t) => {
  const server = await createApiServer(t);
  server.on(path, () => ({ errcode: 40001, errmsg: "invalid credential" }));
  await assert.rejects(createApi(server).call(path), { errcode: 40001 });
  assert.equal(server.count(path), 2);
});

test("when the renewal fails, its failure is what the caller sees", async (t) => {
  const server = await createApiServer(t);
  const api = createApi(server);
  await api.call(path);
  server.on(path, () => ({ errcode: 42001, errmsg: "expired" }));
  server.on(stable, () => ({ errcode: 45009, errmsg: "reach max api daily quota limit" }));
  await assert.rejects(api.call(path), { errcode: 45009 });
  assert.equal(server.count(path), 2);
});

test("40001 for the fetching of a token (a wrong secret) repeats nothing", async (t) => {
  const server = await createApiServer(t);
  server.on(stable, () => ({ errcode: 40001, errmsg: "invalid credential" }));
  await assert.rejects(createApi(server).call(path), { errcode: 40001 });
  assert.deepEqual(
    server.calls.map((call) => call.path),
    [stable],
  );
});

test("-1, a reset, a cut or a silent answer is never repeated", async (t) => {
  const server = await createApiServer(t);
  const api = createApi(server);
  await api.call("/cgi-bin/other");
  const cases = [
    [
      { errcode: -1, errmsg: "system error" },
      { code: "API_REFUSED", errcode: -1 },
    ],
    ["reset", { code: "API_UNREACHABLE", message: `GET ${path}: no answer (ECONNRESET)` }],
    ["truncate", { code: "API_UNREACHABLE", message: `GET ${path}: no answer (UND_ERR_SOCKET)` }],
    ["hang", { code: "API_UNREACHABLE", message: /^GET .*: no answer in (1\d\d|200) ms$/ }],
  ] as const;
  for (const [i, [answer, failure]] of cases.entries()) {
    server.on(path, () => answer);
    await assert.rejects(api.call(path, { query: { openid: "o" }, timeout: 200 }), failure);
    assert.equal(server.count(path), i + 1);
  }
});

test("HTTP statuses other than 2xx and answers that are no JSON object are unreachable", async (t) => {
  const server = await createApiServer(t);
  const api = createApi(server);
  const expectations = [
    [{ status: 502, text: "<html>" }, `GET ${path}: HTTP 502`],
    [{ status: 404, text: '{"errcode":1}' }, `GET ${path}: HTTP 404`],
    [{ status: 302, text: "" }, `GET ${path}: HTTP 302`],
    [{ status: 200, text: "<html>" }, `GET ${path}: the answer is not a JSON object`],
    [{ status: 200, text: "[]" }, `GET ${path}: the answer is not a JSON object`],
    [{ status: 200, text: "" }, `GET ${path}: the answer is not a JSON object`],
    [{ status: 200, text: `{"a":"${"x".repeat(1024 * 1024)}"}` }, `GET ${path}: the answer is over 1048576 bytes`],
  ] as const;
  for (const [answer, message] of expectations) {
    server.on(path, () => answer);
    await assert.rejects(api.call(path), { code: "API_UNREACHABLE", message });
  }
});

test("an answer of a little less than 1 MiB is read", async (t) => {
  const server = await createApiServer(t);
  const text = `{"a":"${"x".repeat(1024 * 1024 - 10)}"}`;
  server.on(path, () => ({ status: 200, text }));
  assert.equal((await createApi(server).call(path)).text, text);
});

test("the timeout bounds the token and the call together", async (t) => {
  const server = await createApiServer(t);
  server.on(stable, () => sleep(150, { access_token: "AT", expires_in: 7200 }));
  server.on(path, () => sleep(150, { openid: "o" }));
  const api = createApi(server);
  const start = performance.now();
  await assert.rejects(api.call(path, { timeout: 250 }), { code: "API_UNREACHABLE" });
  const took = performance.now() - start;
  assert.ok(took > 230, `${took} ms`);
});

test("without any time left nothing is sent, since WeChat would act on it", async (t) => {
  const server = await createApiServer(t);
  const api = createApi(server);
  await api.call(path);
  await assert.rejects(api.call(path, { timeout: 0 }), { message: `GET ${path}: no time left` });
  await api.call(path);
  assert.equal(server.count(path), 2);
});

test("a token that does not come is waited for no longer than the call has time", async (t) => {
  const server = await createApiServer(t);
  server.on(stable, () => "hang");
  await assert.rejects(createApi(server).call(path, { timeout: 60 }), {
    code: "API_UNREACHABLE",
    message: /^no access_token in [1-6]?\d ms$/,
  });
});

test("a port that nobody listens on is named by its error code alone", async (t) => {
  const server = await createApiServer(t);
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as { port: number };
  closed.close();
  await once(closed, "close");
  const api = createApi(server, { apiBase: `http://127.0.0.1:${port}` });
  await assert.rejects(api.call(path), {
    code: "API_UNREACHABLE",
    message: `POST ${stable}: no answer (ECONNREFUSED)`,
  });
});

test("no token, secret or query in any failure or log line", async (t) => {
  const server = await createApiServer(t);
  const api = createApi(server);
  const echo = `access_token=AT_1 secret=${appSecret} code=C0DE+/ C0DE%2B%2F`;
  for (const answer of [
    { errcode: 41001, errmsg: `missing ${echo}` },
    { status: 500, text: echo },
    { status: 200, text: echo },
    "reset" as const,
    "hang" as const,
  ]) {
    server.on(path, () => answer);
    const call = api.call(path, { query: { openid: "oHIDDEN", code: "C0DE+/" }, timeout: 100 });
    await assert.rejects(call, (error: Error) => {
      assert.ok(isFailure(error));
      const shown = JSON.stringify([error, error.message, error.stack, error.cause ?? ""]);
      for (const hidden of ["AT_1", appSecret, "C0DE", "oHIDDEN"]) assert.ok(!shown.includes(hidden), shown);
      return true;
    });
  }
  for (const hidden of ["AT_1", appSecret, "C0DE", "oHIDDEN"]) assert.equal(api.find(hidden).length, 0);
});

test("a bare call carries no token and renews none", async (t) => {
  const server = await createApiServer(t);
  server.on("/sns/userinfo", () => ({ errcode: 40001, errmsg: "invalid credential USER_TOKEN" }));
  const query = { access_token: "USER_TOKEN", openid: "o" };
  await assert.rejects(createApi(server).call("/sns/userinfo", { bare: true, query }), {
    errcode: 40001,
    message: "invalid credential ***",
  });
  assert.deepEqual(
    server.calls.map((call) => call.target),
    ["/sns/userinfo?access_token=USER_TOKEN&openid=o"],
  );
});

test("the jsapi_ticket is kept beside the token, in the file that go-wx-gateway reads", async (t) => {
  const server = await createApiServer(t);
  const cacheDir = createTemporaryFolder(t);
  server.on("/cgi-bin/ticket/getticket", () => ({ errcode: 0, errmsg: "ok", ticket: "TICKET", expires_in: 7200 }));
  const api = createApi(server, { cacheDir });
  const tickets = createJsapiTicketStore({ account, cacheDir, api, log: api.log });
  const found = await Promise.all(Array.from({ length: 50 }, () => tickets.get()));
  assert.deepEqual(new Set(found), new Set(["TICKET"]));
  assert.deepEqual(
    server.calls.map((call) => call.target),
    [stable, "/cgi-bin/ticket/getticket?type=jsapi&access_token=AT_1"],
  );
  assert.match(await readFile(join(cacheDir, "wx1.ticket"), "utf8"), /^\{"expire":\d{10},"ticket":"TICKET"\}$/);
});

for (const tokenApi of ["stable_token", "token"] as const) {
  test(`${tokenApi}: two processes that share a folder outlive each invalidation with one new token`, async (t) => {
    const platform = await createPlatform(t, { accounts: { wx1: appSecret } });
    const { http } = await createApiServer(t);
    const cacheDir = createTemporaryFolder(t);
    const options = {
      account: { ...account, tokenApi },
      apiBase: platform.url,
      http,
      cacheDir,
      log: createKeptLog().log,
    };
    const [first, second] = [createWechatApi(options), createWechatApi(options)];
    for (let round = 1; round <= 3; round++) {
      for (const api of [first, second, first]) {
        assert.equal((await api.call(path, { query: { openid: "oUSER1" } })).json["openid"], "oUSER1");
      }
      assert.equal(platform.count(`/cgi-bin/${tokenApi}`), round);
      platform.invalidateToken();
    }
  });
}
