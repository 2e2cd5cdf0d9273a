import assert from "node:assert/strict";
import { test } from "node:test";
import { serialize } from "node:v8";
import { configOf, errorOf, faultsOf, file, warningsOf } from "./sample-config.ts";

test("comments and trailing commas are accepted", async () => {
  const text = JSON.stringify(file()).replace(/\}$/, ', /* the port */ "listen-port": 7090, // done\n}');
  assert.deepEqual(await warningsOf(text), []);
});

test("a text takes one byte a character although the file has Chinese in it", async () => {
  const { accounts } = await configOf(JSON.stringify(file({ name: "一个名字" })));
  const appId = accounts[0]?.appId ?? "";
  assert.ok(serialize(appId).includes(appId), "V8 writes a text as it holds it");
});

test("the first three syntax errors are named with line and column, the rest counted", async () => {
  assert.deepEqual(await faultsOf('{\n  "listen-port" 7080,\r\n  "services": [}\n'), [
    "the file: line 2, column 17: colon expected",
    "the file: line 3, column 16: value expected",
    "the file: line 4, column 1: close bracket expected",
    "the file: 1 more, which may follow from these",
  ]);
  assert.deepEqual(await faultsOf(""), ["the file: line 1, column 1: value expected"]);
});

test("a file that is no object", async () => {
  assert.deepEqual(await faultsOf("[]"), ["the file: must be an object: { ... }"]);
});

test("a key written twice is warned about, with the place of the second", async () => {
  const text =
    '{"services": [{"name": "a",\n "name": "b", "wx-params": {}, "listen-endpoints": {"service-path": "/wx"}}]}';
  const { faults, warnings } = await errorOf(text);
  assert.deepEqual(faults, [
    "services[0].wx-params.token: is missing; must be the Token of 开发/服务器配置: not empty, no white space",
  ]);
  assert.deepEqual(warnings, ["services[0].name: is written again at line 2, column 2; only the last one counts"]);
});

test("unknown keys are warned about, with the nearest or the right place", async () => {
  const changes = {
    "aes-key": "x",
    fanout: false,
    retyr: [],
    "allow from": "wechat",
    colour: 1,
    "data-dir": "x",
    Timeout: 60,
    concurrency: 1,
    Concurrency: 2,
  };
  assert.deepEqual(await warningsOf(file(changes, { "wx-parms": {}, service: [], "service-path": "/wx" })), [
    'wx-parms: is not a setting here and is ignored; did you mean "services[].wx-params"?',
    'service: is not a setting here and is ignored; did you mean "services"?',
    'service-path: is not a setting here and is ignored; did you mean "services[].listen-endpoints.service-path"?',
    'services[0].aes-key: is not a setting here and is ignored; did you mean "services[].wx-params.aes-key"?',
    'services[0].fanout: is not a setting here and is ignored; did you mean "fan-out"?',
    'services[0].retyr: is not a setting here and is ignored; did you mean "retry"?',
    'services[0]["allow from"]: is not a setting here and is ignored; did you mean "allow-from"?',
    "services[0].colour: is not a setting here and is ignored",
    'services[0].data-dir: is not a setting here and is ignored; did you mean "data-dir" at the top of the file?',
    'services[0].Timeout: is read as "timeout"; write it so',
    'services[0].Concurrency: is not a setting here and is ignored; did you mean "concurrency"?',
  ]);
});

test("keys that only explain are silent, whatever they hold", async () => {
  const explaining = { 说明: "${NOT_SET}", 注意: 1, name说明: {}, "//": "a", _comment: [], "#": null, $schema: "x" };
  assert.deepEqual(await warningsOf(file(explaining, explaining)), []);
});
