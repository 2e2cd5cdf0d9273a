import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createWechatApi } from "../../support/wechat-api-server.ts";
import { allEndpoints, answered, call, secret, startBridge } from "./start-bridge.ts";

const health = { status: 200, type: "text/plain;charset=UTF-8", body: "OK\n" };
const notFound = { status: 404, type: "text/plain; charset=utf-8", body: "404 page not found\n" };
const posted = ["short-url", "tmpl-msg", "sign-jsapi"];
const guarded = Object.keys(allEndpoints).filter((name) => name !== "health-check");

for (const internal of [false, true]) {
  const where = internal ? "the internal listener" : "the public server";
  test(`on ${where} every endpoint answers, and other methods are 405`, async (t) => {
    const { url, internalUrl } = await startBridge(t, { apiBase: "http://127.0.0.1:1", internal });
    const base = internal ? internalUrl : url;
    const missing = answered('{"code":400,"msg":"s(ervice) parameter expected"}', 400);
    for (const name of guarded) {
      const isPost = posted.includes(name);
      assert.deepEqual(await call(`${base}/${name}`, { method: isPost ? "POST" : "GET" }), missing, name);
      for (const method of [isPost ? "GET" : "POST", "HEAD", "PUT", "DELETE"] as const) {
        const answer = await call(`${base}/${name}`, { method });
        assert.deepEqual(answer, { status: 405, type: undefined, body: "" }, `${method} ${name}`);
      }
    }
  });
}

test("a call under way on the internal listener is answered when the bridge closes", async (t) => {
  const api = await createWechatApi(t);
  const path = "/cgi-bin/user/info";
  api.latency(path, 200);
  const { bridge, internalUrl } = await startBridge(t, { apiBase: api.url, internal: true });
  const answering = call(`${internalUrl}/wx-user?s=plain&o=o1`);
  await api.next(path);
  await bridge.close();
  assert.equal((await answering).status, 200);
});

test("with the internal listener set, only the health check stays on the public server, too", async (t) => {
  const { url, internalUrl } = await startBridge(t, { apiBase: "http://127.0.0.1:1", internal: true });
  for (const name of guarded) {
    const method = posted.includes(name) ? "POST" : "GET";
    assert.deepEqual(await call(`${url}/${name}?s=plain`, { method }), notFound, name);
  }
  for (const base of [url, internalUrl]) {
    assert.deepEqual(await call(`${base}/health-check`), health);
    assert.deepEqual(await call(`${base}/health-check`, { method: "HEAD" }), { ...health, body: "" });
    const refused = await call(`${base}/health-check`, { method: "POST" });
    assert.deepEqual(refused, { status: 405, type: undefined, body: "" });
  }
});

test("without it, they are on the public server alone", async (t) => {
  const { url, internalUrl } = await startBridge(t, { apiBase: "http://127.0.0.1:1" });
  assert.deepEqual(await call(`${url}/health-check`), health);
  for (const name of Object.keys(allEndpoints)) assert.equal((await call(`${internalUrl}/${name}`)).status, 404, name);
  assert.equal((await call(`${internalUrl}/healthz`)).status, 200);
});

test("what the internal listener does not have is answered without the query", async (t) => {
  const { internalUrl } = await startBridge(t, { apiBase: "http://127.0.0.1:1" });
  const bad = { status: 400, type: "text/plain; charset=utf-8", body: "bad request\n" };
  assert.deepEqual(await call(`${internalUrl}/sns-auth2?s=plain&code=CODE7`), notFound);
  assert.deepEqual(await call(`${internalUrl}/wx-plain?signature=SIG7`, { body: "<xml></xml>" }), notFound);
  assert.deepEqual(await call(`${internalUrl}/%zz?code=CODE7`), bad);
});

test("the health check may have the name of the internal listener's own", async (t) => {
  const endpoints = { "health-check": "/healthz" };
  const { url, internalUrl } = await startBridge(t, { apiBase: "http://127.0.0.1:1", internal: true, endpoints });
  assert.deepEqual(await call(`${url}/healthz`), health);
  assert.equal((await call(`${internalUrl}/healthz`)).status, 200);
});

test("an unknown service is the caller's fault at every endpoint", async (t) => {
  const { url } = await startBridge(t, { apiBase: "http://127.0.0.1:1" });
  const unknown = answered('{"code":400,"msg":"s(ervice) is the name of no service"}', 400);
  for (const name of guarded) {
    const given = posted.includes(name) ? { body: "s=nosuch" } : {};
    assert.deepEqual(await call(`${url}/${name}?s=nosuch`, given), unknown, name);
  }
});

for (const internal of [false, true]) {
  test(`a body of 64 KiB is read, one byte more is refused, ${internal ? "internal" : "public"}`, async (t) => {
    const { url, internalUrl } = await startBridge(t, { apiBase: "http://127.0.0.1:1", internal });
    const base = internal ? internalUrl : url;
    const unknown = answered('{"code":400,"msg":"s(ervice) is the name of no service"}', 400);
    const tooLarge = answered('{"code":413,"msg":"the body is too large"}', 413);
    for (const name of posted) {
      const body = "s=nosuch&u=".padEnd(64 * 1024, "x");
      assert.deepEqual(await call(`${base}/${name}`, { body }), unknown, name);
      assert.deepEqual(await call(`${base}/${name}`, { body: `${body}x` }), tooLarge, name);
    }
  });
}

const failures: [path: string, call: string, msg: string][] = [
  ["/cgi-bin/user/info", "wx-user?s=plain&o=o1", "GET /cgi-bin/user/info"],
  ["/cgi-bin/stable_token", "wx-user?s=plain&o=o1", "POST /cgi-bin/stable_token"],
  ["/sns/oauth2/access_token", "sns-auth2?s=plain&code=CODE7", "GET /sns/oauth2/access_token"],
];

describe("WeChat's API fails", { concurrency: true }, () => {
  for (const [path, query, what] of failures) {
    test(`${path}: HTTP 500, a reset and silence are told without secret, token or code`, async (t) => {
      const api = await createWechatApi(t);
      const { url, logged } = await startBridge(t, { apiBase: api.url });
      const seen: string[] = [];
      for (const [fault, msg] of [
        [{ status: 500 }, "HTTP 500"],
        ["reset", "no answer (ECONNRESET)"],
        ["hang", "no answer in 5000 ms"],
      ] as const) {
        if (path === "/cgi-bin/stable_token" && fault !== "hang") continue; // backed off after the first
        api.fail(path, fault, 1);
        const answer = await call(`${url}/${query}`);
        seen.push(answer.body);
        if (path === "/cgi-bin/stable_token")
          assert.match(answer.body, /"msg":"[^?&=]*no answer in 5000 ms"|no access_token in/);
        else assert.deepEqual(answer, answered(`{"code":500,"msg":"${what}: ${msg}"}`, 500));
      }
      for (const text of [...seen, ...logged]) {
        assert.doesNotMatch(text, new RegExp(`${secret}|AT_|CODE7|access_token=|secret=`), text);
      }
    });
  }
});

test("each call has one log line with its service", async (t) => {
  const api = await createWechatApi(t);
  const { url, logged } = await startBridge(t, { apiBase: api.url });
  const told = async (query: string) => {
    logged.length = 0;
    await call(`${url}/${query}`);
    return logged.map((line) => {
      const { endpoint, service, status, reason, errcode, msg } = JSON.parse(line) as Record<string, unknown>;
      return { endpoint, service, status, reason, errcode, msg };
    });
  };
  const blank = { endpoint: "wx-user", service: "plain", status: undefined, reason: undefined, errcode: undefined };
  assert.deepEqual(await told("wx-user?s=plain&o=o1"), [{ ...blank, msg: "common endpoint" }]);
  assert.deepEqual(await told("wx-user?s=plain"), [
    { ...blank, status: 400, reason: "o(penid) parameter expected", msg: "common endpoint refused" },
  ]);
  const [failed] = await told("wx-user?s=plain&o=bad");
  assert.match(String(failed?.reason), /^invalid openid/);
  assert.deepEqual(
    { ...failed, reason: undefined },
    { ...blank, status: 500, errcode: 40003, msg: "common endpoint failed" },
  );
});
