import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { erlangEnvironment } from "./erlang-environment.ts";
import { findFreePort } from "./free-port.ts";
import { createReaper } from "./reaper.ts";
import { portAnswers } from "./port-answers.ts";

/** Erlang's port mapper, where the nodes of one cluster find each other. */
export type Epmd = { port: number; stop: () => Promise<void> };

/** Starts an epmd on 127.0.0.1 for the nodes of the RabbitMQ in `sbin`; the nodes are to be stopped before it. */
export async function startEpmd(sbin: string): Promise<Epmd> {
  const port = await findFreePort();
  const folder = await mkdtemp(join(tmpdir(), "wx-bridge-epmd-"));
  const reaper = createReaper(folder);
  // Left to itself a node starts an epmd as a daemon, which outlives every one that could end it.
  const epmd = spawn("epmd", ["-port", String(port), "-address", "127.0.0.1"], {
    env: erlangEnvironment(sbin),
    cwd: folder,
    detached: true,
    stdio: "ignore",
  });
  await once(epmd, "spawn");
  epmd.unref();
  reaper.watch(epmd.pid);
  if (!(await portAnswers(port, 10_000, () => epmd.exitCode !== null))) {
    await reaper.reap();
    throw new Error(`epmd did not start on port ${port}`);
  }
  return { port, stop: () => reaper.reap() };
}
