import assert from "node:assert/strict";
import { test } from "node:test";
import { accountOf, configOf, faultsOf, file, secrets, serviceWithParams } from "./sample-config.ts";

const delays = 'must be a duration such as "10s" (units ms, s, m, h, d) from 100ms to 7d';
const durations = 'must be a whole number of ms or a duration such as "30s" (units ms, s, m, h, d)';

test("values of the wrong type", async () => {
  const changes = {
    workerNum: "5",
    timeout: "60",
    "is-channels-ec": "true",
    "fan-out": 1,
    reply: "msg.*",
    retry: [10],
    delivery: "queue",
    name: 7,
    "wx-params": "x",
  };
  assert.deepEqual(await faultsOf(file(changes, { "listen-port": "7080", amqp: "amqp://x", "common-endpoints": [] })), [
    "listen-port: must be a whole number from 0 to 65535, written without quotes",
    "services[0].name: must be 1 to 100 bytes of text without control characters or white space at its ends, written in quotes",
    "services[0].workerNum: must be a whole number; as it limits nothing, it may also be left out, written without quotes",
    "services[0].timeout: must be a whole number of seconds, 0 or more, written without quotes",
    'services[0].wx-params: must be an object: { "token": "...", "app-id": "...", "app-secret": "...", "aes-key": "..." }',
    "services[0].is-channels-ec: must be true or false, written without quotes",
    'services[0].delivery: must be "http" or "amqp" or "echo"',
    "services[0].fan-out: must be true or false",
    "services[0].reply: must be a list: [ ... ]",
    `services[0].retry[0]: ${delays}, written in quotes`,
    "amqp: must be an object: { ... }",
    "common-endpoints: must be an object: { ... }",
  ]);
});

test("values out of bounds", async () => {
  const changes = {
    name: "名".repeat(34),
    timeout: -1,
    reply: ["msg..text", ""],
    "reply-budget": 5000,
    "backend-timeout": "99ms",
    retry: ["1min", "99ms", "8d", "1.5s"],
    concurrency: 0,
    "late-reply": "send",
    "reply-window": "all",
    unhandled: "keep",
    "token-api": "stable",
  };
  assert.deepEqual(await faultsOf(file(changes, { "listen-port": 65_536, "log-level": "verbose", "data-dir": "" })), [
    "listen-port: must be a whole number from 0 to 65535",
    "services[0].name: must be 1 to 100 bytes of text without control characters or white space at its ends",
    "services[0].timeout: must be a whole number of seconds, 0 or more",
    'services[0].reply[0]: must be a routing-key pattern such as "msg.*" or "event.CLICK"',
    'services[0].reply[1]: must be a routing-key pattern such as "msg.*" or "event.CLICK"',
    `services[0].reply-budget: ${durations} from 500ms to 4900ms`,
    'services[0].reply-window: must be "first" or "retries"',
    'services[0].late-reply: must be "drop" or "customer-service"',
    `services[0].backend-timeout: ${durations} from 100ms to 20m`,
    `services[0].retry[0]: ${delays}`,
    `services[0].retry[1]: ${delays}`,
    `services[0].retry[2]: ${delays}`,
    `services[0].retry[3]: ${delays}`,
    'services[0].unhandled: must be "drop" or "dead-letter"',
    "services[0].concurrency: must be a whole number from 1 to 65535",
    'services[0].token-api: must be "stable_token" or "token"',
    "data-dir: must be a folder; leave it out to go without",
    'log-level: must be "fatal" or "error" or "warn" or "info" or "debug" or "trace" or "silent"',
  ]);
});

test("durations are ms or text, and a retry keeps its name", async () => {
  const account = await accountOf({ "reply-budget": "4s", "backend-timeout": 1500, retry: ["100ms", "1d"] });
  assert.equal(account.replyBudget, 4000);
  assert.equal(account.backendTimeout, 1500);
  assert.deepEqual(account.retry, [
    { name: "100ms", ms: 100 },
    { name: "1d", ms: 86_400_000 },
  ]);
  assert.deepEqual((await accountOf({ retry: [] })).retry, []);
});

test("keys and secrets have a form", async () => {
  const params = serviceWithParams({ token: "", "app-id": "../wx", "aes-key": secrets.aesKey.slice(1) });
  const others = {
    "previous-token": "a b",
    "previous-aes-key": `${secrets.aesKey}=`,
    "webhook-secret": "whsec_c2hvcnQ=",
  };
  assert.deepEqual(await faultsOf({ services: [{ ...params, ...others }] }), [
    "services[0].wx-params.token: must be the Token of 开发/服务器配置: not empty, no white space",
    "services[0].wx-params.app-id: must be the AppID of 公众号开发信息, such as wx1234567890abcdef",
    'services[0].wx-params.aes-key: must be the 43 characters (A-Z a-z 0-9 + /) of EncodingAESKey, or "" for plaintext',
    "services[0].previous-token: must be the former Token: letters and digits",
    'services[0].previous-aes-key: must be the 43 characters (A-Z a-z 0-9 + /) of the former EncodingAESKey, or ""',
    'services[0].webhook-secret: must be "whsec_" and the base64 of 24 to 64 random bytes (openssl rand -base64 32)',
  ]);
  const account = await accountOf({
    "previous-token": "Former",
    "previous-aes-key": secrets.aesKey,
    "webhook-secret": secrets.webhookSecret,
  });
  assert.equal(account.previousToken, "Former");
  assert.equal(account.previousAesKey, secrets.aesKey);
  assert.equal(account.webhookSecret, secrets.webhookSecret);
});

test("URLs", async () => {
  const url =
    'must be only a URL such as "http://127.0.0.1:8080/wx", with http or https (a % in its password is written %25)';
  const changes = { "msg-proxy-pass": "http://a/b?c=d", "redirect-url": "ftp://a/b" };
  const amqp = { urls: ["http://a", "amqp://", "amqp://user:pa#ss@:x"], prefix: "amq.wx" };
  const broker =
    "must be a URL such as amqp://user:password@host:5672/vhost, with amqp or amqps, percent-encoded (a % is written " +
    "%25); heartbeat, if there is one, a number of seconds from 0 to 65535";
  assert.deepEqual(await faultsOf(file(changes, { amqp, "wx-api-base": "https://a/?b" })), [
    `services[0].msg-proxy-pass: ${url}, no query or fragment`,
    `services[0].redirect-url: ${url}`,
    `amqp.urls[0]: ${broker}`,
    `amqp.urls[1]: ${broker}`,
    `amqp.urls[2]: ${broker}`,
    'amqp.prefix: must be 1 to 64 letters, digits, ".", "_" or "-", and not begin with "amq", which RabbitMQ keeps for itself',
    `wx-api-base: ${url}, no query or fragment`,
  ]);
  const bare = { "msg-proxy-pass": "http://user:p%zz@host", "redirect-url": "http://p%@host/" };
  const redirect = { "listen-endpoints": { "service-path": "/wx", "redirect-path": "/r" } };
  const brokers = ["u:p%zz@h", "h/%ff", "h?heartbeat=abc", "h?heartbeat=-1", "h?heartbeat=65536"];
  const AMQP_URL = brokers.map((rest) => `amqp://${rest}`).join();
  assert.deepEqual(await faultsOf(file({ ...bare, ...redirect }), { AMQP_URL }), [
    `services[0].msg-proxy-pass: ${url}, no query or fragment`,
    `services[0].redirect-url: ${url}`,
    ...brokers.map((_, index) => `AMQP_URL[${index}]: ${broker}`),
  ]);
  const good = { AMQP_URL: "amqp://u:p%25zz@h/%2f?heartbeat=0, amqps://h?heartbeat=65535" };
  assert.deepEqual((await configOf(file(), good)).amqp?.urls, [
    "amqp://u:p%25zz@h/%2f?heartbeat=0",
    "amqps://h?heartbeat=65535",
  ]);
});

test("slashes at the end of base URLs are removed", async () => {
  const { accounts, wxApiBase } = await configOf(
    file({ "msg-proxy-pass": "http://backend/wx//" }, { "wx-api-base": "http://127.0.0.1:9000/" }),
  );
  assert.equal(accounts[0]?.msgProxyPass, "http://backend/wx");
  assert.equal(wxApiBase, "http://127.0.0.1:9000");
});

test("allow-from takes addresses and CIDRs of both families, or wechat", async () => {
  const account = await accountOf({ "allow-from": ["203.0.113.0/24", "203.0.113.7", "2001:db8::/32", "::1"] });
  assert.deepEqual(account.allowFrom, ["203.0.113.0/24", "203.0.113.7", "2001:db8::/32", "::1"]);
  assert.equal((await accountOf({ "allow-from": "wechat" })).allowFrom, "wechat");
  const cidr = 'must be an address or a CIDR such as "203.0.113.0/24"; "wechat" stands alone, outside a list';
  assert.deepEqual(
    await faultsOf(file({ "allow-from": ["10.0.0.0/33", "10.0.0/8", "wechat", "10.0.0.0/8/8", "1.2.3.4/"] })),
    [
      `services[0].allow-from[0]: ${cidr}`,
      `services[0].allow-from[1]: ${cidr}`,
      `services[0].allow-from[2]: ${cidr}`,
      `services[0].allow-from[3]: ${cidr}`,
      `services[0].allow-from[4]: ${cidr}`,
    ],
  );
  const list = 'services[0].allow-from: must be "wechat" or a list that is not empty, such as ["203.0.113.0/24"]';
  assert.deepEqual(await faultsOf(file({ "allow-from": [] })), [list]);
  assert.deepEqual(await faultsOf(file({ "allow-from": "10.0.0.0/8" })), [list]);
});
