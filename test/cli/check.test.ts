import assert from "node:assert/strict";
import { test } from "node:test";
import { file, secrets, service } from "../shared/config/sample-config.ts";
import { runCommand, writeTemporary } from "./run-command.ts";

test("a good file: what each account does, exit code 0", async (t) => {
  const services = [
    service({ "msg-proxy-pass": "http://user:hunter2@127.0.0.1:8080/backend" }),
    service({ name: "小店", "listen-endpoints": { "service-path": "/ec" } }),
  ];
  const path = await writeTemporary(t, "good.json", file({}, { services }));
  const { code, stdout, stderr } = await runCommand(t, ["check", path]);
  assert.deepEqual([code, stderr], [0, ""]);
  const lines = stdout.split("\n").filter((line) => !line.startsWith("warning: "));
  assert.deepEqual(lines, [
    "The config is good: 2 service(s).",
    "  shop: /wx -> http http://127.0.0.1:8080/backend",
    "  小店: /ec -> echo",
    "",
  ]);
  for (const secret of ["hunter2", ...Object.values(secrets)]) assert.ok(!stdout.includes(secret), secret);
});

test("the file may come from --config or CONF_FILE", async (t) => {
  const path = await writeTemporary(t, "good.json", file());
  for (const [args, env] of [
    [["check", "--config", path], {}],
    [["check"], { CONF_FILE: path }],
    [["check", path], { CONF_FILE: "/nonexistent.json" }],
  ] as const) {
    const { code, stdout } = await runCommand(t, args, env);
    assert.equal(code, 0);
    assert.match(stdout, /The config is good: 1 service/);
  }
});

test("doubts are warnings, and the file is good", async (t) => {
  const path = await writeTemporary(t, "doubtful.json", file({ "msg-proxy-pas": "http://127.0.0.1" }));
  const { code, stdout } = await runCommand(t, ["check", path]);
  assert.equal(code, 0);
  assert.match(stdout, /^warning: services\[0\]\.msg-proxy-pas: .*msg-proxy-pass/m);
});

test("all faults at once, each with its path, and the slips that explain them; exit code 1", async (t) => {
  const bad = file({ tiemout: 5, "backend-timeout": "soon", concurrency: 0 }, { "listen-port": 70_000 });
  const path = await writeTemporary(t, "bad.json", bad);
  const { code, stdout, stderr } = await runCommand(t, ["check", path]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^The config cannot be used \(3 faults\):\n/);
  for (const at of ["listen-port", "services[0].backend-timeout", "services[0].concurrency"]) {
    assert.ok(stderr.includes(`\n  ${at}: must be `), at);
  }
  assert.match(stderr, /\n {2}warning: services\[0\]\.tiemout: .*timeout/);
  for (const secret of Object.values(secrets)) assert.ok(!stderr.includes(secret), secret);
});

test("broken JSON: the file, line and column", async (t) => {
  const path = await writeTemporary(t, "broken.json", `{\n  "services": [}\n`);
  const { code, stderr } = await runCommand(t, ["check", path]);
  assert.equal(code, 1);
  assert.ok(stderr.includes(`\n  ${path}: line 2, column 16: `), stderr);
});

const missing: [name: string, args: string[], words: RegExp][] = [
  ["no file named", ["check"], /no config file is named: do so by --config or CONF_FILE/],
  ["a file that is not there", ["check", "/nonexistent.json"], /\n {2}\/nonexistent\.json: cannot be read \(ENOENT\)/],
  ["a folder", ["check", "/tmp"], /\n {2}\/tmp: cannot be read \(EISDIR\)/],
];
for (const [name, args, words] of missing) {
  test(`${name}: a clear word and exit code 1`, async (t) => {
    const { code, stderr } = await runCommand(t, args);
    assert.equal(code, 1);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });
}
