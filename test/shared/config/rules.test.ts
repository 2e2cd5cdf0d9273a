import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { accountOf, configOf, faultsOf, file, service, serviceWithParams } from "./sample-config.ts";

test("services are needed", async () => {
  assert.deepEqual(await faultsOf({}), ["services: is missing; must be a list of at least one account: [{ ... }]"]);
  assert.deepEqual(await faultsOf({ services: [] }), ["services: must be a list of at least one account: [{ ... }]"]);
  assert.deepEqual(await faultsOf({ services: [null] }), ["services[0]: must be an object: { ... }"]);
});

test("names and paths lead to one place", async () => {
  const services = [
    service(),
    service({ "listen-endpoints": { "service-path": "/wx", "redirect-path": "/qr" }, "redirect-url": "http://a" }),
  ];
  const endpoints = { "common-endpoints": { "wx-qr": "/qr", "health-check": "/health", "wx-user": "/health" } };
  assert.deepEqual(await faultsOf({ services, ...endpoints }), [
    'services[1].name: "shop" is also services[0].name; every service needs a name of its own',
    'services[1].listen-endpoints.service-path: "/wx" is also services[0].listen-endpoints.service-path; every path can lead to one place only',
    'common-endpoints.wx-qr: "/qr" is also services[1].listen-endpoints.redirect-path; every path can lead to one place only',
    'common-endpoints.wx-user: "/health" is also common-endpoints.health-check; every path can lead to one place only',
  ]);
});

test("a redirect-path without redirect-url leads nowhere", async () => {
  const paths = { "service-path": "/wx", "redirect-path": "/redirect" };
  const other = { name: "other", "listen-endpoints": { ...paths, "service-path": "/other" } };
  const page = service({ "listen-endpoints": paths, "redirect-url": "http://a" });
  assert.equal((await configOf({ services: [page, service(other)] })).accounts.length, 2);
  assert.deepEqual(await faultsOf({ services: [page, service({ ...other, "redirect-url": "http://a" })] }), [
    'services[1].listen-endpoints.redirect-path: "/redirect" is also services[0].listen-endpoints.redirect-path; every path can lead to one place only',
  ]);
});

test("an ordered account's queue is nobody else's", async () => {
  const services = [
    service({ name: "shop.ordered", "listen-endpoints": { "service-path": "/other" } }),
    service({ ordering: "user" }),
  ];
  assert.deepEqual(await faultsOf({ services }), [
    'services[1].ordering: "user" takes the queue of "shop.ordered", which is services[0].name; rename one',
  ]);
  services[1] = service();
  assert.equal((await configOf({ services })).accounts[1]?.ordering, "none");
});

test("a path may be on both listeners", async () => {
  const common = { "common-endpoints": { "wx-qr": "/wx" }, "internal-listen-port": 7081 };
  assert.deepEqual((await configOf(file({}, common))).commonEndpoints, { "wx-qr": "/wx" });
  common["common-endpoints"] = { "wx-qr": "/wx", "wx-user": "/wx" } as { "wx-qr": string };
  assert.deepEqual(await faultsOf(file({}, common)), [
    'common-endpoints.wx-user: "/wx" is also common-endpoints.wx-qr; every path can lead to one place only',
  ]);
});

test("the internal listener's own paths are taken, but not for the health check", async () => {
  const own = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json"];
  for (const path of own) {
    const common = { "common-endpoints": { "wx-qr": path } };
    assert.deepEqual(await faultsOf(file({}, { ...common, "internal-listen-host": "127.0.0.1" })), [
      `common-endpoints.wx-qr: "${path}" is the internal listener's own; choose another path`,
    ]);
    assert.deepEqual((await configOf(file({}, common))).commonEndpoints, { "wx-qr": path });
  }
  const health = { "common-endpoints": { "health-check": "/healthz" }, "internal-listen-port": 7081 };
  assert.deepEqual((await configOf(file({}, health))).commonEndpoints, { "health-check": "/healthz" });
});

test("the health check is on both listeners, and needs a path of its own on each", async () => {
  const common = { "common-endpoints": { "health-check": "/wx", "wx-user": "/wx" }, "internal-listen-port": 7081 };
  assert.deepEqual(await faultsOf(file({}, common)), [
    'common-endpoints.health-check: "/wx" is also services[0].listen-endpoints.service-path; every path can lead to one place only',
    'common-endpoints.wx-user: "/wx" is also common-endpoints.health-check; every path can lead to one place only',
  ]);
});

test("rules are checked beside wrong values", async () => {
  assert.deepEqual(await faultsOf({ services: [service({ timeout: "0" }), service({ name: "" })] }), [
    "services[0].timeout: must be a whole number of seconds, 0 or more, written without quotes",
    "services[1].name: must be 1 to 100 bytes of text without control characters or white space at its ends",
    'services[1].listen-endpoints.service-path: "/wx" is also services[0].listen-endpoints.service-path; every path can lead to one place only',
  ]);
});

test("settings that need others", async () => {
  const changes = { delivery: "http", "redirect-url": "http://a", "allow-from": "wechat" };
  assert.deepEqual(await faultsOf({ services: [serviceWithParams({ "app-id": "" }, changes)] }), [
    'services[0].delivery: "http" needs msg-proxy-pass, the URL of the backend',
    "services[0].redirect-url: needs listen-endpoints.redirect-path, the path whose requests are passed on",
    "services[0].wx-params.app-id: is missing; with an aes-key, replies are sealed for the AppID",
    'services[0].allow-from: "wechat" needs wx-params.app-id and app-secret, to ask WeChat for its addresses',
  ]);
});

test("delivery follows from the backend and fan-out", async () => {
  const backend = { "msg-proxy-pass": "http://a" };
  assert.equal((await accountOf({})).delivery, "echo");
  assert.equal((await accountOf({ "fan-out": true })).delivery, "amqp");
  assert.equal((await accountOf({ "fan-out": true, ...backend })).delivery, "http");
  assert.equal((await accountOf({ delivery: "echo", ...backend })).delivery, "echo");
});

test("userInfo is left out for stores, and as the service or else the file says", async () => {
  const leftOut = { "dont-append-userinfo": true };
  const kept = { "dont-append-userinfo": false };
  assert.equal((await accountOf({})).appendUserInfo, true);
  assert.equal((await accountOf({}, leftOut)).appendUserInfo, false);
  assert.equal((await accountOf(kept, leftOut)).appendUserInfo, true);
  assert.equal((await accountOf(leftOut, kept)).appendUserInfo, false);
  assert.equal((await accountOf({ ...kept, "is-channels-ec": true })).appendUserInfo, false);
});

test("the listeners need ports of their own", async () => {
  const fault = "listen-port: is the internal listener's port, too; set internal-listen-port to another one";
  assert.deepEqual(await faultsOf(file({}, { "listen-port": 7081 })), [fault]);
  const sameHost = { "listen-host": "127.0.0.1", "listen-port": 80, "internal-listen-port": 80 };
  assert.deepEqual(await faultsOf(file({}, sameHost)), [fault]);
  const everyHost = { "listen-host": "10.0.0.1", "internal-listen-host": "::", "listen-port": 7081 };
  assert.deepEqual(await faultsOf(file({}, everyHost)), [fault]);
  assert.equal((await configOf(file({}, { ...sameHost, "listen-host": "10.0.0.1" }))).internalListenPort, 80);
  assert.equal((await configOf(file({}, { "listen-port": 0, "internal-listen-port": 0 }))).internalListenPort, 0);
});

test("a host alone configures the internal listener", async () => {
  const config = await configOf(file({}, { "internal-listen-host": "0.0.0.0" }));
  assert.equal(config.internalListenerSet, true);
  assert.equal(config.internalListenHost, "0.0.0.0");
  assert.equal(config.internalListenPort, undefined);
});

test("amqp takes url or urls", async () => {
  assert.deepEqual((await configOf(file({}, { amqp: { url: "amqp://a", prefix: "my.wx" } }))).amqp, {
    urls: ["amqp://a"],
    tls: undefined,
  });
  const { amqp, amqpPrefix } = await configOf(file({}, { amqp: { prefix: "my.wx" } }));
  assert.deepEqual({ amqp, amqpPrefix }, { amqp: undefined, amqpPrefix: "my.wx" });
  assert.deepEqual(await faultsOf(file({}, { amqp: { url: "amqp://a", urls: ["amqp://b"] } })), [
    "amqp.urls: stands beside amqp.url; keep one",
  ]);
});

test("amqp.tls must be usable", async (t) => {
  const folder = createTemporaryFolder(t);
  const [key, cert] = createCertificate(folder, "a");
  const [otherKey] = createCertificate(folder, "b");
  assert.deepEqual((await configOf(amqp({ ca: cert, cert, key }))).amqp?.tls, { ca: cert, cert, key });
  assert.deepEqual(await faultsOf(amqp({ cert })), [
    "amqp.tls: cert and key go together; one of them is missing or wrong",
  ]);
  assert.deepEqual(await faultsOf(amqp({ cert, key: otherKey })), [
    "amqp.tls: ca, cert and key cannot be used together (ERR_OSSL_X509_KEY_VALUES_MISMATCH)",
  ]);
  assert.deepEqual(await faultsOf(amqp({ ca: "/etc/ssl/ca.pem" })), [
    'amqp.tls.ca: must be text in PEM form; a file is written as {"file": "path.pem"}',
  ]);
});

function amqp(tls: object): object {
  return file({}, { amqp: { url: "amqps://a", tls } });
}

function createCertificate(folder: string, name: string): [string, string] {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", `/CN=${name}`];
  execFileSync("openssl", ["req", "-x509", ...options, "-keyout", key, "-out", cert], { stdio: "ignore" });
  return [readFileSync(key, "utf8"), readFileSync(cert, "utf8")];
}
