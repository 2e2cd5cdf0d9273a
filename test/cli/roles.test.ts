import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createBackend } from "../support/backend-server.ts";
import { findFreePort } from "../support/free-port.ts";
import { portAnswers } from "../support/port-answers.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { file } from "../shared/config/sample-config.ts";
import { runCommand, startCommand, startScript, writeTemporary } from "./run-command.ts";

const anyPort = { LISTEN_PORT: "0", INTERNAL_LISTEN_PORT: "0" };

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} drains and ends with exit code 0`, async (t) => {
    const bridge = startCommand(t, ["start"], anyPort);
    await bridge.said(/A demo account waits at http:\/\/127\.0\.0\.1:\d+\/wx /);
    bridge.signal(signal);
    const { code, stdout, stderr } = await bridge.finished;
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /"msg":"draining"[^]*"msg":"stopped"/);
  });
}

test("a signal while the start still waits for the broker drains, too", async (t) => {
  const path = await writeTemporary(t, "c.json", file({}, { "listen-host": "127.0.0.1" }));
  const port = await findFreePort();
  const away = { AMQP_URL: "amqp://127.0.0.1:1", LISTEN_PORT: String(port), INTERNAL_LISTEN_PORT: "0" };
  const bridge = startCommand(t, ["gateway", "--config", path], away);
  assert.ok(await portAnswers(port, 60_000));
  bridge.signal("SIGTERM");
  const { code, stdout } = await bridge.finished;
  assert.equal(code, 0);
  assert.match(stdout, /"msg":"draining"[^]*"msg":"stopped"/);
  assert.doesNotMatch(stdout, /"msg":"ready"/);
});

/** Imports what makes 10 s pass in 10 ms, and a consumer module that never comes to its end. */
async function createHung(t: TestContext): Promise<{ args: string[]; preload: string }> {
  const module = await writeTemporary(
    t,
    "hung.mjs",
    "setInterval(() => {}, 1000); console.log('hung'); await new Promise(() => {});",
  );
  const path = await writeTemporary(t, "c.json", file({}, { "listen-host": "127.0.0.1", consumers: [module] }));
  const preload = "const wait = setTimeout; globalThis.setTimeout = (act, ms) => wait(act, ms === 10_000 ? 10 : ms);";
  return { args: ["start", "--config", path], preload };
}

/** What keeps a thread, as a lookup without a name server does. */
function holdThread(t: TestContext): string {
  const fifo = join(createTemporaryFolder(t), "fifo");
  execFileSync("mkfifo", [fifo]);
  return `import { open } from "node:fs"; open(${JSON.stringify(fifo)}, () => {});`;
}

const importing = (source: string): string[] => ["--import", `data:text/javascript,${encodeURIComponent(source)}`];

test("what cannot be drained is left after 10 s, with exit code 1", async (t) => {
  const { args, preload } = await createHung(t);
  const bridge = startCommand(t, args, anyPort, importing(preload));
  await bridge.said(/^hung$/m);
  bridge.signal("SIGTERM");
  const { code, stdout } = await bridge.finished;
  assert.equal(code, 1);
  assert.match(stdout, /"msg":"draining"[^]*"level":50,.*"msg":"not drained in time"/);
});

test("a thread that nobody can break off does not hold up the end, which is then a clean one", async (t) => {
  const bridge = startCommand(t, ["start"], anyPort, importing(holdThread(t)));
  await bridge.said(/A demo account waits at /);
  bridge.signal("SIGTERM");
  const { code, stdout } = await bridge.finished;
  assert.equal(code, "SIGTERM");
  assert.match(stdout, /"msg":"draining"[^]*"msg":"stopped"/);
});

test("a thread that nobody can break off does not make a clean end of one that is not", async (t) => {
  const { args, preload } = await createHung(t);
  const bridge = startCommand(t, args, anyPort, importing(holdThread(t) + preload));
  await bridge.said(/^hung$/m);
  bridge.signal("SIGTERM");
  const { code, stdout } = await bridge.finished;
  assert.equal(code, "SIGKILL");
  assert.match(stdout, /"msg":"not drained in time"/);
});

test("names are looked up on more threads than Node's four", { skip: process.platform !== "linux" }, async (t) => {
  const countThreads = `
    import { lookup } from "node:dns";
    import { readdirSync, readFileSync } from "node:fs";
    const nameOf = (id) => readFileSync("/proc/self/task/" + id + "/comm", "utf8").trim();
    const count = () => readdirSync("/proc/self/task").filter((id) => nameOf(id) === "libuv-worker").length;
    process.once("SIGUSR2", () => lookup("localhost", () => console.log("threads: " + count())));`;
  const preload = `data:text/javascript,${encodeURIComponent(countThreads)}`;
  const bridge = startCommand(t, ["start"], anyPort, ["--import", preload]);
  await bridge.said(/"msg":"ready"|A demo account waits at /);
  bridge.signal("SIGUSR2");
  assert.equal((await bridge.said(/threads: (\d+)/))[1], "16");
});

for (const script of ["start", "wx-bridge"]) {
  test(`SIGTERM to npm run ${script} reaches the bridge, which drains`, { timeout: 60_000 }, async (t) => {
    const npm = startScript(t, script, anyPort);
    await npm.said(/A demo account waits at /);
    npm.signal("SIGTERM");
    const { stdout } = await npm.finished;
    assert.match(stdout, /"msg":"draining"[^]*"msg":"stopped"/);
  });
}

test("start with a config: the ports in use are logged, health answers, no demo", async (t) => {
  const path = await writeTemporary(
    t,
    "c.json",
    file({}, { "listen-host": "127.0.0.1", "common-endpoints": { "health-check": "/health" } }),
  );
  const bridge = startCommand(t, ["--config", path], anyPort);
  const [line] = await bridge.said(/^\{.*"msg":"ready".*\}$/m);
  const { port, internalPort, services } = JSON.parse(line) as Record<string, number>;
  assert.equal(services, 1);
  assert.equal(await (await fetch(`http://127.0.0.1:${internalPort}/healthz`)).text(), `{"status":"ok"}`);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/health`)).text(), "OK\n");
  assert.doesNotMatch(bridge.output, /demo account/);
  assert.match(bridge.output, /"msg":"in-process bus: events that wait are held in memory only/);
});

test("a port in use: who has it and what to set, exit code 1", async (t) => {
  const { port } = await createBackend(t);
  const busy = String(port);
  const cases = [
    [{ ...anyPort, LISTEN_PORT: busy }, "LISTEN_PORT (listen-port)"],
    [{ ...anyPort, INTERNAL_LISTEN_PORT: busy }, "INTERNAL_LISTEN_PORT (internal-listen-port)"],
  ] as const;
  for (const [env, setting] of cases) {
    const { code, stderr } = await runCommand(t, ["start"], env);
    assert.equal(code, 1);
    assert.equal(stderr, `port ${port} is in use: end the program that has it, or set ${setting} to another one\n`);
  }
});

for (const host of ["nosuch.invalid", "fe80::1", "192.0.2.1"]) {
  test(`${host} to listen on: the setting and what to set, exit code 1`, async (t) => {
    for (const setting of ["listen-host", "internal-listen-host"]) {
      const path = await writeTemporary(t, "c.json", file({}, { [setting]: host }));
      const { code, stderr } = await runCommand(t, ["start", "--config", path], anyPort);
      assert.equal(code, 1);
      const advice = 'set it to an address of this machine such as "127.0.0.1", or to "" for all interfaces';
      assert.equal(stderr.replace(/\(E\w+\)/, "(E…)"), `${setting}: cannot listen on "${host}" (E…); ${advice}\n`);
    }
  });
}

test("the default internal port in use: takes a free one with a warning", async (t) => {
  const holder = createServer();
  t.after(() => holder.close());
  // When somebody else has it, it is in use as well: `once` rejects then.
  await once(holder.listen(7081, "127.0.0.1"), "listening").catch(() => {});
  const path = await writeTemporary(t, "c.json", file({}, { "listen-host": "127.0.0.1" }));
  const bridge = startCommand(t, ["start", "--config", path], { LISTEN_PORT: "0" });
  const [line] = await bridge.said(/^\{.*"msg":"ready".*\}$/m);
  assert.match(bridge.output, /"level":40,.*"port":7081,"msg":"the default port of the internal listener is in use, /);
  const { internalPort } = JSON.parse(line) as Record<string, number>;
  assert.notEqual(internalPort, 7081);
  assert.equal((await fetch(`http://127.0.0.1:${internalPort}/healthz`)).status, 200);
});

for (const role of ["gateway", "dispatcher"]) {
  test(`${role} without a broker: what to set, exit code 1`, async (t) => {
    const path = await writeTemporary(t, "c.json", file());
    const { code, stdout, stderr } = await runCommand(t, [role, "--config", path], anyPort);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      new RegExp(`^wx-bridge ${role} needs RabbitMQ: set AMQP_URL, or amqp\\.url in the config file\\.`),
    );
  });
  test(`${role} without a config: exit code 1`, async (t) => {
    const { code, stderr } = await runCommand(t, [role]);
    assert.equal(code, 1);
    assert.match(stderr, /no config file is named: do so by --config or CONF_FILE/);
  });
}

for (const [name, dataDir, reason] of [
  ["below /proc", "/proc/wx-bridge/data", /: .*mkdir '\/proc/],
  ["a file", import.meta.filename, /: ENOTDIR: not a directory/],
] as const) {
  test(`data-dir ${name}: a clear word at once, exit code 1`, async (t) => {
    const path = await writeTemporary(t, "c.json", file({}, { "data-dir": dataDir }));
    const { code, stderr } = await runCommand(t, ["start", "--config", path], anyPort);
    assert.equal(code, 1);
    assert.ok(stderr.includes(`data-dir: ${dataDir} cannot be used: `), stderr);
    assert.match(stderr, reason);
  });
}

test("token-cache-dir a file: check and start warn, and it starts as go-wx-gateway did", async (t) => {
  const path = await writeTemporary(t, "c.json", file({}, { "token-cache-dir": import.meta.filename }));
  const warning = `token-cache-dir: ${import.meta.filename} cannot be used (ENOTDIR), `;
  const { code, stdout } = await runCommand(t, ["check", path]);
  assert.deepEqual([code, stdout.startsWith(`warning: ${warning}`)], [0, true], stdout);
  const bridge = startCommand(t, ["start", "--config", path], anyPort);
  await bridge.said(/"msg":"ready"/);
  assert.ok(bridge.output.includes(`"msg":"${warning}`), bridge.output);
});

test("start with a config that cannot be used: its faults, exit code 1", async (t) => {
  const path = await writeTemporary(t, "c.json", { services: [] });
  const { code, stderr } = await runCommand(t, ["start"], { CONF_FILE: path });
  assert.equal(code, 1);
  assert.match(stderr, /^The config cannot be used \(1 fault\):\n {2}services: must be a list of at least one account/);
});

for (const [version, isOld] of [
  ["18.20.0", true],
  ["22.21.9", true],
  ["22.22.0", false],
  ["24.0.0", false],
] as const) {
  test(`Node ${version} ${isOld ? "is told what it lacks" : "runs it"}`, async (t) => {
    const versions = `{ ...process.versions, node: "${version}" }`;
    const code = `Object.defineProperty(process, "versions", { value: ${versions} });`;
    const path = await writeTemporary(t, "version.mjs", code);
    const result = await runCommand(t, ["--version"], {}, ["--import", path]);
    if (!isOld) return assert.deepEqual([result.code, result.stdout], [0, `${ownVersion()}\n`]);
    assert.deepEqual([result.code, result.stdout], [1, ""]);
    assert.match(result.stderr, new RegExp(`^wx-bridge needs Node\\.js 22\\.22 or later; this is ${version}\\.\n`));
  });
}

test("an unknown command or option: help, exit code 1", async (t) => {
  for (const args of [["fly"], ["start", "--fast"]]) {
    const { code, stderr } = await runCommand(t, args);
    assert.equal(code, 1);
    assert.match(stderr, /^error: .*\n\nUsage: wx-bridge/);
  }
});

test("a misspelt command: its name and the near one, not the default command's arguments", async (t) => {
  const { code, stderr } = await runCommand(t, ["chek", "wx-bridge.conf.json"]);
  assert.equal(code, 1);
  assert.match(stderr, /^error: unknown command 'chek'\n\(Did you mean check\?\)\n/);
});

function ownVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
