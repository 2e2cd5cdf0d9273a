/**
 * Configs that go-wx-gateway took without a word, or refused with little: `start` names the setting and ends with exit code 1,
 * and so does `check`. Elsewhere: every fault a file can have (test/shared/config), CONF_FILE missing or unreadable
 * (test/cli/check), the words for a port in use (test/cli/roles).
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runCommand, writeTemporary } from "../cli/run-command.ts";
import { createBackend } from "../support/backend-server.ts";
import { sampleConfig } from "./old-config.ts";

type Settings = Record<string, unknown>;
const [service] = sampleConfig.services;
const withServices = (...services: Settings[]): Settings => ({ ...sampleConfig, services });
const changed = (changes: Settings): Settings => withServices({ ...service, ...changes });
const second = { ...service, name: "second" };
const params = service?.["wx-params"];

const refused: [fact: string, config: Settings | string, fault: string][] = [
  [
    "sample.conf.json's placeholder for aes-key, which did not start",
    changed({ "wx-params": { ...params, "app-id": "wx1", "aes-key": "安全模式下的EncodingAESKey" } }),
    "services[0].wx-params.aes-key: must be the 43 characters",
  ],
  [
    "redirect-url without redirect-path, exit code 4",
    changed({ "redirect-url": "http://127.0.0.1/" }),
    "services[0].redirect-url: needs listen-endpoints.redirect-path",
  ],
  [
    "a path used twice, taken silently",
    withServices({ ...service }, second),
    'services[1].listen-endpoints.service-path: "/wx" is also services[0].listen-endpoints.service-path',
  ],
  [
    "a name used twice, taken silently",
    withServices({ ...service }, { ...service, "listen-endpoints": { "service-path": "/wx2" } }),
    'services[1].name: "echo_server" is also services[0].name',
  ],
  [
    "an empty path, taken silently",
    changed({ "listen-endpoints": { "service-path": "" } }),
    "services[0].listen-endpoints.service-path: must be only a path",
  ],
  ["no services, taken silently", withServices(), "services: must be a list of at least one account"],
  [
    "text for a boolean, exit code 3",
    { ...sampleConfig, "dont-append-userinfo": "true" },
    "dont-append-userinfo: must be true or false, written without quotes",
  ],
  ["broken JSON, exit code 3", `{"services": [}`, "<file>: line 1, column 15: "],
  [
    "a common endpoint at a path of the internal listener",
    { ...sampleConfig, "internal-listen-port": 0, "common-endpoints": { "wx-qr": "/metrics" } },
    `common-endpoints.wx-qr: "/metrics" is the internal listener's own; choose another path`,
  ],
  [
    "a health check at the path of an account, beside an internal listener",
    { ...sampleConfig, "internal-listen-port": 0, "common-endpoints": { "health-check": "/wx" } },
    'common-endpoints.health-check: "/wx" is also services[0].listen-endpoints.service-path',
  ],
];

describe("refused", { concurrency: 2 }, () => {
  for (const [fact, config, fault] of refused) {
    test(fact, async (t) => {
      const file = await writeTemporary(t, "wx-gateway-conf.json", config);
      for (const command of fact.includes("listener") ? ["check", "start"] : ["start"]) {
        const { code, stdout, stderr } = await runCommand(t, [command], { CONF_FILE: file });
        assert.deepEqual([code, stdout], [1, ""], stderr);
        assert.ok(stderr.replaceAll(file, "<file>").includes(`\n  ${fault}`), `${command}: ${stderr}`);
      }
    });
  }

  test("a port in use, exit code 0", async (t) => {
    const { port } = await createBackend(t);
    const config = { ...sampleConfig, "listen-host": "127.0.0.1", "listen-port": port };
    const file = await writeTemporary(t, "wx-gateway-conf.json", config);
    const { code, stderr } = await runCommand(t, ["start"], { CONF_FILE: file, INTERNAL_LISTEN_PORT: "0" });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^port ${port} is in use: `));
  });
});
