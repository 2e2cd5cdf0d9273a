import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createTemporaryFolder } from "./support/temporary-folder.ts";

const run = new URL("run.ts", import.meta.url).pathname;

/** A test that starts a process, which connects to `port`, and that waits for ever. */
const waiting = (port: number): string => `
  import { spawn } from "node:child_process";
  import { test } from "node:test";
  test("waits", () => {
    spawn(process.execPath, ["-e", "net.connect(${port}, '127.0.0.1')"]);
    return new Promise(() => setInterval(() => {}, 1000));
  });
`;

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`tests that ${signal} ends leave no process behind that they have started`, async (t) => {
    const server = createServer().listen(0, "127.0.0.1");
    t.after(async () => void server.close());
    await once(server, "listening");
    const folder = createTemporaryFolder(t);
    const file = join(folder, "waiting.test.mjs");
    await writeFile(file, waiting((server.address() as AddressInfo).port));
    const { NODE_TEST_CONTEXT: _, ...env } = process.env; // with it the run takes itself for a part of this one
    const tests = spawn(process.execPath, [run, "--no-broker", file], { env, stdio: "ignore" });
    const [started] = (await once(server, "connection")) as [Socket];
    t.after(async () => void started.destroy()); // a process that is left behind ends by this
    started.on("error", () => {}).resume();
    tests.kill(signal);
    await assert.doesNotReject(once(started, "close", { signal: AbortSignal.timeout(30_000) }));
  });
}
