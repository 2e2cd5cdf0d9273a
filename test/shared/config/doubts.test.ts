import assert from "node:assert/strict";
import { chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { file, secrets, service, serviceWithParams, warningsOf } from "./sample-config.ts";

const plaintext = { "aes-key": "" };

test("a config as it should be has no warning", async () => {
  const changes = { "msg-proxy-pass": "http://a", workerNum: 5, reply: ["msg.*", "event.CLICK", "#", "*.text"] };
  const internal = { "internal-listen-port": 7081, "common-endpoints": { "wx-qr": "/qr" } };
  assert.deepEqual(await warningsOf(file(changes, internal)), []);
  assert.deepEqual(await warningsOf(file({}, { "common-endpoints": { "health-check": "/health" } })), []);
});

test("plaintext accounts can be forged, for ever without a timeout", async () => {
  const advice = "choose safe mode (安全模式) and set the EncodingAESKey";
  const cause = "the signature of a plaintext push never covers its body: whoever has seen one URL can forge pushes";
  const path = "services[0].wx-params.aes-key";
  assert.deepEqual(await warningsOf({ services: [serviceWithParams(plaintext, { timeout: 60 })] }), [
    `${path}: is empty, and ${cause} for 60 s; ${advice}`,
  ]);
  const store = { "is-channels-ec": true, "previous-aes-key": secrets.aesKey };
  assert.deepEqual(await warningsOf({ services: [serviceWithParams(plaintext, store)] }), [
    `${path}: is empty, but stores push in safe mode only; set the EncodingAESKey`,
    `${path}: DANGER: ${cause} FOR EVER, as timeout is 0; set timeout to 300, ${advice}`,
    "services[0].previous-aes-key: has no effect without wx-params.aes-key",
  ]);
});

test("allow-plaintext gives the key's protection up", async () => {
  assert.deepEqual(await warningsOf(file({ "allow-plaintext": true })), [
    "services[0].allow-plaintext: plaintext pushes are taken, whose signature never covers the body; take it out once the account is in safe mode (安全模式)",
  ]);
});

test("settings without effect", async () => {
  const changes = {
    workerNum: 0,
    delivery: "amqp",
    "listen-endpoints": { "service-path": "/wx", "redirect-path": "/redirect" },
    "msg-proxy-pass": "http://a",
    "webhook-secret": secrets.webhookSecret,
    reply: ["text", "msg"],
    ordering: "user",
  };
  assert.deepEqual(await warningsOf(file(changes, { amqp: { url: "amqp://a", tls: {} } })), [
    "services[0].workerNum: limits nothing here, whatever its value; leave it out",
    "services[0].listen-endpoints.redirect-path: has no effect without redirect-url; there is no such route",
    'services[0].msg-proxy-pass: has no effect, as delivery is "amqp"',
    'services[0].webhook-secret: has no effect, as delivery is "amqp"',
    'services[0].ordering: has no effect, as delivery is "amqp" without fan-out: no dispatcher is involved',
    'services[0].reply[0]: matches nothing; routing keys look like "msg.text", "event.subscribe"',
    'services[0].reply[1]: matches nothing; routing keys look like "msg.text", "event.subscribe"',
    "amqp.tls: has no effect, as no URL begins with amqps://",
  ]);
});

test("a store's late replies go to nobody", async () => {
  const changes = { "is-channels-ec": true, "late-reply": "customer-service", "msg-proxy-pass": "http://a" };
  assert.deepEqual(await warningsOf(file(changes)), [
    "services[0].late-reply: has no effect: a store's replies are answers to WeChat and say nothing to a user",
  ]);
});

test("a redirect-userinfo-flag that no URL holds, as go-wx-gateway's examples have", async () => {
  for (const flag of ["login, register or any-strings else", "如果为空,使用snsapi_base", "login "]) {
    assert.deepEqual(await warningsOf(file({ "redirect-userinfo-flag": flag })), [
      'services[0].redirect-userinfo-flag: never occurs in a URL, which holds no white space and nothing beyond ASCII; write a part of the URL such as "login", or ""',
    ]);
  }
  assert.deepEqual(await warningsOf(file({ "redirect-userinfo-flag": "from=login" })), []);
});

test("percent-encoded paths, which match no request", async () => {
  const services = [
    service({
      "listen-endpoints": { "service-path": "/%E5%BE%AE", "redirect-path": "/a%2Fb" },
      "redirect-url": "http://a",
    }),
    service({ name: "other", "listen-endpoints": { "service-path": "/微" } }),
  ];
  const endpoints = { "health-check": "/bad%zz", "wx-qr": "/a%2a", "wx-user": "/" };
  const cause = "matches no request, as paths are decoded before they are compared;";
  assert.deepEqual(await warningsOf({ services, "internal-listen-port": 7081, "common-endpoints": endpoints }), [
    `services[0].listen-endpoints.service-path: ${cause} write "/微"`,
    `services[0].listen-endpoints.redirect-path: ${cause} choose one without "%"`,
    `common-endpoints.health-check: ${cause} choose one without "%"`,
    `common-endpoints.wx-qr: ${cause} choose one without "%"`,
  ]);
});

const needsRights = process.getuid?.() === 0 && "root may write everywhere";

function cacheWarning(folder: string, code: string): string {
  const advice = "so tokens are kept in memory only; name a folder that this user can write to";
  return `token-cache-dir: ${folder} cannot be used (${code}), ${advice}`;
}

test("a token-cache-dir that is a file, or lies below one", async (t) => {
  const folder = createTemporaryFolder(t);
  for (const path of [import.meta.filename, join(import.meta.filename, "tokens")]) {
    assert.deepEqual(await warningsOf(file({}, { "token-cache-dir": path })), [cacheWarning(path, "ENOTDIR")]);
  }
  for (const path of [folder, join(folder, "to", "make")]) {
    assert.deepEqual(await warningsOf(file({}, { "token-cache-dir": path })), []);
  }
  assert.deepEqual(readdirSync(folder), [], "nothing is made");
});

test("a token-cache-dir that cannot be written or made", { skip: needsRights }, async (t) => {
  const folder = createTemporaryFolder(t);
  chmodSync(folder, 0o500);
  for (const path of [folder, join(folder, "to", "make")]) {
    assert.deepEqual(await warningsOf(file({}, { "token-cache-dir": path })), [cacheWarning(path, "EACCES")]);
  }
});

test("consumers need a broker", async () => {
  assert.deepEqual(await warningsOf(file({ "fan-out": true })), [
    'services[0].delivery: "amqp" without amqp.url: inside one process nobody else can take the pushes',
  ]);
  assert.deepEqual(await warningsOf(file({ "fan-out": true, "msg-proxy-pass": "http://a" })), [
    "services[0].fan-out: has no effect without amqp.url",
  ]);
  assert.deepEqual(await warningsOf(file({ "fan-out": true }), { AMQP_URL: "amqp://a" }), []);
  assert.deepEqual(await warningsOf(file({ "fan-out": true }, { consumers: ["./shop.mjs"] })), []);
});

test("calls that WeChat will refuse", async () => {
  const without = serviceWithParams({ "app-secret": "" });
  const internal = { "internal-listen-port": 7081 };
  assert.deepEqual(await warningsOf({ services: [without] }), [], "an echo calls nothing");
  const backend = { ...without, "msg-proxy-pass": "http://a" };
  assert.deepEqual(await warningsOf({ services: [backend] }), [
    "services[0].wx-params: app-secret is missing, so WeChat refuses: userInfo",
  ]);
  assert.deepEqual(await warningsOf({ services: [{ ...backend, "dont-append-userinfo": true }] }), []);
  const all = serviceWithParams(
    { "app-secret": "", "app-id": "", ...plaintext },
    {
      timeout: 60,
      "msg-proxy-pass": "http://a",
      "listen-endpoints": { "service-path": "/wx", "redirect-path": "/redirect" },
      "redirect-url": "http://a",
      "late-reply": "customer-service",
    },
  );
  const warnings = await warningsOf({ services: [all], ...internal, "common-endpoints": { "wx-user": "/user" } });
  assert.deepEqual(warnings.slice(1), [
    "services[0].wx-params: app-id and app-secret are missing, so WeChat refuses: userInfo, redirect-url, late-reply, common-endpoints",
  ]);
});

test("endpoints on the public port are open to anybody", async () => {
  const endpoints = { "common-endpoints": { "health-check": "/health", "wx-qr": "/qr", "wx-user": "/user" } };
  assert.deepEqual(await warningsOf(file({}, endpoints)), [
    "common-endpoints: anybody can call wx-qr, wx-user on the public port; set internal-listen-port to move them to the internal listener",
  ]);
  assert.deepEqual(await warningsOf(file({}, endpoints), { INTERNAL_LISTEN_PORT: "7081" }), []);
});
