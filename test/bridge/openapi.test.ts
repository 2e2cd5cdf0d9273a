import assert from "node:assert/strict";
import { after, test } from "node:test";
import { pino } from "pino";
import { runBridge } from "../../cli/run.ts";
import { internalPaths } from "../../shared/config/config.ts";
import { readConfig } from "../../shared/config/load.ts";
import { configSchema } from "../../shared/config/schema.ts";
import { pushes } from "../fixtures/pushes.ts";
import { call, type Call } from "../gateway/endpoints/start-bridge.ts";
import { createBackend, type BackendAnswer } from "../support/backend-server.ts";
import { checkAnswer, document, faultsOfRequest, type Operation } from "../support/openapi-document.ts";
import { sign } from "../support/wechat-crypt.ts";
import { createWechatApi } from "../support/wechat-api-server.ts";
import { createWechat } from "../support/wechat-server.ts";

const closing = { after: (close: () => Promise<void>) => after(close) };
const token = "TokenOfDocument";
const appId = "wx1234567890abcdef";
const aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const api = await createWechatApi(closing);
const backend = await createBackend(closing);
const pages = await createBackend(closing, { body: "page" });

const params = { token, "app-id": appId, "app-secret": "0123456789abcdef0123456789abcdef" };
const base = { "listen-host": "127.0.0.1", "listen-port": 0, "internal-listen-port": 0 };
const paths = Object.keys(document.paths);
const bridge = await start({
  ...base,
  "wx-api-base": api.url,
  services: [
    {
      name: "shop",
      "wx-params": params,
      "listen-endpoints": { "service-path": "/wx", "redirect-path": "/redirect" },
      "msg-proxy-pass": backend.url,
      "redirect-url": pages.url,
      "backend-timeout": 500,
      "webhook-secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    },
    {
      name: "sealed",
      "wx-params": { ...params, "aes-key": aesKey },
      "listen-endpoints": { "service-path": "/sealed" },
      "msg-proxy-pass": backend.url,
    },
    {
      name: "store",
      "wx-params": params,
      "listen-endpoints": { "service-path": "/store" },
      "msg-proxy-pass": backend.url,
      "is-channels-ec": true,
    },
  ],
  "common-endpoints": Object.fromEntries(
    paths.flatMap((path) => {
      const { operationId = "" } = Object.values(document.paths[path] ?? {})[0] ?? {};
      return operationId in endpointSettings() ? [[operationId, path]] : [];
    }),
  ),
});
const away = await start({
  ...base,
  amqp: { url: "amqp://127.0.0.1:1" },
  services: [
    {
      name: "shop",
      "wx-params": params,
      "listen-endpoints": { "service-path": "/wx" },
      "msg-proxy-pass": backend.url,
      "reply-budget": 500,
    },
  ],
});

async function start(file: object): Promise<{ url: string; internal: string }> {
  const { config } = await readConfig(file);
  const running = await runBridge("start", config, pino({ level: "silent" }));
  closing.after(() => running.close());
  return { url: `http://127.0.0.1:${running.port}`, internal: `http://127.0.0.1:${running.internalPort}` };
}

function endpointSettings(): object {
  return configSchema.properties["common-endpoints"].properties;
}

/** Responses of the document that a real answer has been held against. */
const seen = new Set<string>();

function check(method: string, path: string, answer: { status: number; type: string | undefined; body: string }): void {
  const operation = document.paths[path]?.[method.toLowerCase()] as Operation;
  const { response, faults } = checkAnswer(operation, answer);
  seen.add(`${method} ${path} ${response}`);
  assert.deepEqual(faults, [], `${method} ${path}: ${JSON.stringify(answer).slice(0, 300)}`);
}

let serial = 0;
const xml = () => `<xml><FromUserName>o1</FromUserName><MsgType>text</MsgType><MsgId>${++serial}</MsgId></xml>`;
const signed = (changes: Record<string, string> = {}) => {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const query = { signature: sign([token, timestamp, "n"]), timestamp, nonce: "n", ...changes };
  return `?${new URLSearchParams(query).toString()}`;
};

const requests: [url: string, method: "GET" | "POST", path: string, query: () => string, given?: Call][] = [
  [bridge.url, "GET", "/wx", () => signed({ echostr: "4375" })],
  [bridge.url, "GET", "/wx", () => signed()],
  [bridge.url, "GET", "/wx", () => ""],
  [bridge.url, "POST", "/wx", () => signed(), { body: xml() }],
  [bridge.url, "POST", "/wx", () => signed(), { body: "garbage" }],
  [bridge.url, "POST", "/wx", () => signed({ encrypt_type: "des" }), { body: xml() }],
  [bridge.url, "POST", "/wx", () => signed(), { body: "x".repeat(1024 * 1024 + 1) }],
  [away.url, "POST", "/wx", () => signed(), { body: xml() }],
  [bridge.url, "GET", "/redirect", () => "?code=base1&state=s"],
  [bridge.url, "GET", "/redirect", () => "?state=s"],
  [bridge.url, "GET", "/redirect", () => "?code=bad1&state=s"],
  [bridge.url, "GET", "/health", () => ""],
  ["internal", "GET", "/qr", () => "?s=shop&t=temp"],
  ["internal", "GET", "/qr", () => "?s=shop"],
  ["internal", "GET", "/user", () => "?s=shop&o=oUSER1"],
  ["internal", "GET", "/user", () => "?s=nosuch&o=oUSER1"],
  ["internal", "GET", "/user", () => "?s=shop&o=bad1"],
  ["internal", "GET", "/sns-auth2", () => "?s=shop&code=base2"],
  ["internal", "GET", "/sns-auth2", () => "?s=shop&code=base3&scope=userinfo"],
  ["internal", "GET", "/sns-auth2", () => "?s=shop"],
  ["internal", "GET", "/sns-auth2", () => "?s=shop&code=bad2"],
  ["internal", "POST", "/short-url", () => "", { body: "s=shop&u=http%3A%2F%2Fu" }],
  ["internal", "POST", "/sign-jsapi", () => "", { body: "s=shop&u=http%3A%2F%2Fu" }],
  ["internal", "POST", "/tmpl-msg", () => "", { body: '{"s":"shop","to":"o","tid":"T","data":{"k":"v"}}' }],
  ["internal", "GET", "/channels-ec-order-detail", () => "?s=store&o=1"],
  ["internal", "GET", "/channels-ec-order-detail", () => "?s=shop&o=1"],
  ["internal", "GET", "/channels-ec-refund-detail", () => "?s=store&o=1"],
  ["internal", "GET", "/channels-ec-refund-detail", () => "?s=store"],
  ...["/short-url", "/sign-jsapi", "/tmpl-msg"].flatMap((path): (typeof requests)[number][] => [
    ["internal", "POST", path, () => "", { body: "s=nosuch" }],
    ["internal", "POST", path, () => "", { body: "x".repeat(1024 * 1024 + 1) }],
  ]),
  ...internalPaths.map((path): (typeof requests)[number] => ["internal", "GET", path, () => ""]),
  [away.internal, "GET", "/readyz", () => ""],
];

test("it names every route that a config can have, each operation once", () => {
  const ids = [...Object.values(document.paths), ...Object.values(document.webhooks)].flatMap((item) =>
    Object.values(item as Record<string, Operation>).flatMap(({ operationId }) => operationId ?? []),
  );
  assert.equal(new Set(ids).size, ids.length);
  for (const name of Object.keys(endpointSettings())) assert.ok(ids.includes(name), name);
  for (const path of internalPaths) assert.ok(paths.includes(path), path);
});

test("answers of every route fit the document", async () => {
  for (const [url, method, path, query, given] of requests) {
    const answer = await call((url === "internal" ? bridge.internal : url) + path + query(), { method, ...given });
    check(method, path, answer);
  }
});

test("replies in XML and JSON, sealed and plain, and a store's own text fit", async () => {
  const json = JSON.stringify({ FromUserName: "o1", MsgType: "text", MsgId: "j1", Content: "a" });
  const pushed: [path: string, body: string, aesKey?: string][] = [
    ["/wx", xml()],
    ["/wx", json],
    ["/sealed", xml(), aesKey],
    ["/sealed", json, aesKey],
    ["/store", json],
  ];
  for (const [path, body, key] of pushed) {
    const wechat = createWechat({ url: bridge.url + path, token, appId, ...(key && { aesKey: key }) });
    const { status, headers, body: answered } = await wechat.push(body);
    check("POST", "/wx", { status, type: headers["content-type"], body: answered });
    assert.notEqual(answered, "success");
  }
});

test("failures of WeChat and of redirect-url fit", async () => {
  const faults: [answer: BackendAnswer, status: number][] = [
    [{ status: 302, headers: { location: "https://elsewhere.example/" } }, 302],
    ["reset", 502],
    ["hang", 504],
  ];
  for (const [index, [answer, status]] of faults.entries()) {
    pages.answer(answer);
    const given = await fetch(`${bridge.url}/redirect?code=base1${index}&state=s`, { redirect: "manual" });
    assert.equal(given.status, status);
    check("GET", "/redirect", {
      status,
      type: given.headers.get("content-type") ?? undefined,
      body: await given.text(),
    });
  }
  const refused = { errcode: 48001, errmsg: "api unauthorized" };
  for (const path of ["qrcode/create", "shorturl", "message/template/send", "ticket/getticket"])
    api.fail(`/cgi-bin/${path}`, refused);
  for (const path of ["order/get", "aftersale/getaftersaleorder"]) api.fail(`/channels/ec/${path}`, refused);
  await api.next("/cgi-bin/ticket/getticket");
  const calls = requests.filter(
    ([, , path, , given]) => !path.startsWith("/sign") && paths.includes(path) && given?.body?.length !== 9,
  );
  for (const [, method, path, query, given] of calls.filter(([at]) => at === "internal")) {
    check(method, path, await call(bridge.internal + path + query(), { method, ...given }));
  }
});

test("every response of the document but those has been met", () => {
  const documented = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { responses }]) =>
      Object.keys(responses ?? {}).map((response) => `${method.toUpperCase()} ${path} ${response}`),
    ),
  );
  // The one ticket that signs all pages is there already.
  assert.deepEqual(
    documented.filter((response) => !seen.has(response)),
    ["POST /sign-jsapi 500"],
  );
});

test("what backends get fits: every kind of push, and a page", async () => {
  const before = backend.requests.length;
  for (const push of pushes) {
    const url = `${bridge.url}/${push.store ? "store" : "wx"}`;
    await createWechat({ url, token, appId }).push(push.body);
  }
  const got = backend.requests.slice(before);
  assert.equal(got.length, pushes.length);
  for (const { path, headers, body } of got) {
    const { post } = document.webhooks[path.slice(1)] ?? document.webhooks["other"] ?? assert.fail();
    assert.deepEqual(faultsOfRequest(post, headers, body), [], `${path}: ${body}`);
  }
  const page = pages.requests[0] ?? assert.fail();
  const { post } = document.webhooks["redirect-url"] ?? assert.fail();
  assert.deepEqual(faultsOfRequest(post, page.headers, page.body), []);
});
