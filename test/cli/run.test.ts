import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { runBridge } from "../../cli/run.ts";
import type { Config } from "../../shared/config/config.ts";
import { readConfig } from "../../shared/config/load.ts";
import { createTestLog } from "../shared/bus/test-log.ts";
import { file } from "../shared/config/sample-config.ts";
import { createBackend } from "../support/backend-server.ts";
import { findFreePort } from "../support/free-port.ts";
import type { Closing } from "../support/loopback-server.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

async function createConfig(t: Closing): Promise<Config & { dataDir: string }> {
  const dataDir = createTemporaryFolder(t);
  const host = { "listen-host": "127.0.0.1", "listen-port": 0, "internal-listen-port": 0 };
  const { config } = await readConfig(file({}, host), {});
  return { ...config, dataDir };
}

test("what had started before a port turned out to be in use is closed again", async (t) => {
  const config = { ...(await createConfig(t)), internalListenPort: await findFreePort() };
  const { port } = await createBackend(t);
  const { log } = createTestLog();
  await assert.rejects(runBridge("start", { ...config, listenPort: port }, log), { code: "CONFIG_INVALID" });
  const bridge = await runBridge("start", config, log);
  await bridge.close();
  assert.equal((await readdir(config.dataDir)).length, 1);
});

test("a dispatcher leaves data-dir to gateways, as a folder that it took would wait until it ends; its default port is 7082", async (t) => {
  const config = { ...(await createConfig(t)), internalListenPort: undefined };
  const { log, lines } = createTestLog();
  const amqp = { urls: ["amqp://127.0.0.1:1"], tls: undefined };
  const dispatcher = await runBridge("dispatcher", { ...config, amqp }, log);
  t.after(() => dispatcher.close());
  assert.deepEqual(await readdir(config.dataDir), []);
  const inUse = lines.all.find(({ msg }) => msg.startsWith("the default port"));
  assert.equal(inUse?.["port"] ?? dispatcher.internalPort, 7082);
});

test("a gateway leaves the modules in consumers to others", async (t) => {
  const config = { ...(await createConfig(t)), consumers: ["/nonexistent.mjs"] };
  const { log } = createTestLog();
  const amqp = { urls: ["amqp://127.0.0.1:1"], tls: undefined };
  const starting = runBridge("gateway", { ...config, amqp }, log);
  t.after(async () => (await starting).close());
  await starting;
});
