import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { loadConfig, readConfig } from "../../../shared/config/load.ts";
import { isFailure } from "../../../shared/failure.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { configOf, errorOf, faultsOf, file, secrets, service, serviceWithParams } from "./sample-config.ts";

function createFolder(t: TestContext, files: Record<string, string | Buffer>): string {
  const folder = createTemporaryFolder(t);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

test("the environment wins over the file", async () => {
  const changes = {
    "listen-port": 1,
    "internal-listen-port": 2,
    "data-dir": "file",
    "wx-api-base": "http://file",
    "log-level": "warn",
    amqp: { url: "amqp://file", prefix: "kept" },
  };
  const config = await configOf(file({}, changes), {
    LISTEN_PORT: "80",
    INTERNAL_LISTEN_PORT: "81",
    DATA_DIR: "environment",
    WX_API_BASE: "http://environment",
    LOG_LEVEL: "debug",
    AMQP_URL: "amqp://one, amqps://two,",
  });
  assert.equal(config.listenPort, 80);
  assert.equal(config.internalListenPort, 81);
  assert.equal(config.dataDir, "environment");
  assert.equal(config.wxApiBase, "http://environment");
  assert.equal(config.logLevel, "debug");
  assert.deepEqual(config.amqp, { urls: ["amqp://one", "amqps://two"], tls: undefined });
  assert.equal(config.amqpPrefix, "kept");
});

test("an empty variable changes nothing", async () => {
  const env = { LISTEN_PORT: "", AMQP_URL: "", DATA_DIR: "" };
  const config = await configOf(file({}, { "listen-port": 1 }), env);
  assert.deepEqual([config.listenPort, config.amqp, config.dataDir], [1, undefined, undefined]);
});

test("faults of the environment name the variable", async () => {
  const env = {
    LISTEN_PORT: "http",
    INTERNAL_LISTEN_PORT: "1e3",
    AMQP_URL: "amqp://a,localhost:5672",
    LOG_LEVEL: "loud",
  };
  assert.deepEqual(await faultsOf(file({}, { amqp: { url: "${UNSET}" } }), env), [
    "LISTEN_PORT: must be a whole number from 0 to 65535",
    "INTERNAL_LISTEN_PORT: must be a whole number from 0 to 65535",
    "AMQP_URL[1]: must be a URL such as amqp://user:password@host:5672/vhost, with amqp or amqps, percent-encoded (a % is " +
      "written %25); heartbeat, if there is one, a number of seconds from 0 to 65535",
    'LOG_LEVEL: must be "fatal" or "error" or "warn" or "info" or "debug" or "trace" or "silent"',
  ]);
});

test("an AMQP_URL without any URL", async () => {
  assert.deepEqual(await faultsOf(file(), { AMQP_URL: " , " }), ["AMQP_URL: must be a list of at least one URL"]);
});

test("strings take variables, whole or in part", async () => {
  const services = [serviceWithParams({ token: "${TOKEN}" }, { reply: ["${KIND}.*"], name: "${ENV}-shop-${ENV}" })];
  const { accounts } = await configOf({ services }, { TOKEN: secrets.token, KIND: "msg", ENV: "test" });
  assert.equal(accounts[0]?.token, secrets.token);
  assert.equal(accounts[0]?.name, "test-shop-test");
  assert.deepEqual(accounts[0]?.reply, ["msg.*"]);
  assert.deepEqual(await faultsOf({ services }, { ENV: "" }), [
    "services[0].wx-params.token: the environment variable TOKEN is not set",
    "services[0].reply[0]: the environment variable KIND is not set",
  ]);
});

test("strings come from files, relative to the config file", async (t) => {
  const services = [
    serviceWithParams({
      token: { file: "token" },
      "app-secret": { file: "${SECRETS}/secret" },
      "aes-key": { file: join(tmpdir(), "no-such-folder", "key") },
    }),
  ];
  const folder = createFolder(t, {
    token: `${secrets.token}\n`,
    secret: `${secrets.appSecret}\r\n`,
    "wx.json": JSON.stringify({ services }),
  });
  const [path, env] = [join(folder, "wx.json"), { SECRETS: "." }];
  await assert.rejects(loadConfig(env, path), {
    faults: [
      `services[0].wx-params.aes-key: the file ${join(tmpdir(), "no-such-folder", "key")} cannot be read (ENOENT)`,
    ],
  });
  writeFileSync(path, JSON.stringify({ services }).replace(/"aes-key":\{[^}]*\}/, '"aes-key":{"file":"key"}'));
  writeFileSync(join(folder, "key"), secrets.aesKey);
  const { accounts } = (await loadConfig(env, path)).config;
  assert.equal(accounts[0]?.token, secrets.token);
  assert.equal(accounts[0]?.appSecret, secrets.appSecret);
  assert.equal(accounts[0]?.aesKey, secrets.aesKey);
});

test("CONF_FILE names the file", async (t) => {
  const folder = createFolder(t, { "wx.json": JSON.stringify(file()) });
  const { config } = await loadConfig({ CONF_FILE: join(folder, "wx.json") });
  assert.equal(config.accounts[0]?.name, "shop");
  const missing = join(folder, "missing.json");
  await assert.rejects(loadConfig({ CONF_FILE: missing }), {
    faults: [`${missing}: cannot be read (ENOENT)`],
  });
  await assert.rejects(loadConfig({}), {
    faults: ["no config file is named: do so by --config or CONF_FILE"],
  });
});

test("a byte order mark is no part of the config, nor of a secret", async (t) => {
  const services = [serviceWithParams({ token: { file: "token" } })];
  const folder = createFolder(t, {
    "wx.json": `\uFEFF${JSON.stringify({ services })}`,
    token: `\uFEFF${secrets.token}\r\n`,
  });
  const { config } = await loadConfig({}, join(folder, "wx.json"));
  assert.equal(config.accounts[0]?.token, secrets.token);
});

const notUtf8 = "is not UTF-8, but GBK perhaps; save it as UTF-8";
const gbk = (text: string) => Buffer.from(text.replaceAll("商店", "\xc9\xcc\xb5\xea"), "latin1");

test("a config in UTF-16 is one fault, with the file and what to do", async (t) => {
  const text = JSON.stringify(file());
  const encodings = {
    "utf-16": Buffer.from(`\uFEFF${text}`, "utf16le"),
    "utf-16-be": Buffer.from(`\uFEFF${text}`, "utf16le").swap16(),
    "utf-16-plain": Buffer.from(text, "utf16le"),
  };
  const folder = createFolder(t, encodings);
  for (const name of Object.keys(encodings)) {
    const path = join(folder, name);
    await assert.rejects(loadConfig({}, path), {
      faults: [`${path}: is UTF-16; save it as UTF-8`],
    });
  }
});

test("a config in GBK is read as go-wx-gateway read it, with a warning", async (t) => {
  const text = `/* 商店 */ ${JSON.stringify({ services: [service({ name: "商店" })] })}`;
  const path = join(createFolder(t, { "wx.json": gbk(text) }), "wx.json");
  const { config, warnings } = await loadConfig({}, path);
  assert.match(config.accounts[0]?.name ?? "", /^\uFFFD/);
  assert.deepEqual(warnings, [`${path}: ${notUtf8}`]);
});

test("a secret's file that is not UTF-8 is a fault", async (t) => {
  const services = [serviceWithParams({ token: { file: "token" }, "app-secret": { file: "secret" } })];
  const folder = createFolder(t, {
    "wx.json": JSON.stringify({ services }),
    token: Buffer.from(`\uFEFF${secrets.token}`, "utf16le"),
    secret: gbk(`${secrets.appSecret}商店`),
  });
  await assert.rejects(loadConfig({}, join(folder, "wx.json")), {
    faults: [
      `services[0].wx-params.token: the file ${join(folder, "token")} is UTF-16; save it as UTF-8`,
      `services[0].wx-params.app-secret: the file ${join(folder, "secret")} ${notUtf8}`,
    ],
  });
});

test("a syntax error names the file", async (t) => {
  const path = join(createFolder(t, { "wx.json": '{"services": [}' }), "wx.json");
  await assert.rejects(loadConfig({}, path), ({ faults }: { faults: string[] }) => {
    assert.equal(faults[0], `${path}: line 1, column 15: value expected`);
    return true;
  });
});

test("the error is a CONFIG_INVALID that tells faults and warnings", async () => {
  const error = await errorOf(file({}, { "listen-port": -1, lisen: 1, colour: 2 }));
  assert.ok(isFailure(error, "CONFIG_INVALID"));
  assert.equal(
    error.message,
    "listen-port: must be a whole number from 0 to 65535\n(warning) lisen: is not a setting here and is ignored\n(warning) colour: is not a setting here and is ignored",
  );
});

test("no message holds a secret", async () => {
  const wrong = "S3CRET 钥匙";
  const params = { token: wrong, "app-secret": wrong, "aes-key": wrong };
  const others = { "previous-token": wrong, "previous-aes-key": wrong, "webhook-secret": wrong };
  const tls = { ca: wrong, cert: wrong, key: wrong };
  const changes = { "msg-proxy-pass": wrong, "redirect-url": wrong };
  const amqp = { urls: [wrong], prefix: wrong, tls };
  const { message, faults } = await errorOf({ services: [serviceWithParams(params, { ...others, ...changes })], amqp });
  assert.equal(faults.length, 13);
  assert.doesNotMatch(message, /S3CRET|钥匙/);
});

test("warnings hold no secret either", async () => {
  const doubtful = { "allow-plaintext": true, delivery: "echo", "webhook-secret": secrets.webhookSecret };
  const changes = { "msg-proxy-pass": "http://user:S3CRET@a" };
  const { warnings } = await readConfig({ services: [service({ ...doubtful, ...changes })] });
  assert.equal(warnings.length, 3);
  for (const secret of [...Object.values(secrets), "S3CRET"]) {
    assert.ok(warnings.every((warning) => !warning.includes(secret)));
  }
});
