/**
 * Pushes while everything is killed, stopped and cut off, and compares what WeChat was told with what the backend got;
 * see README.md.
 *
 *     npm run chaos -- --pushes 100000
 *     npm run chaos -- --cluster --rate 300 --seed 7 --tries 10 --out report.json
 *
 * Ends with 0 when the promises held, 1 when one is broken, 2 when there were too few faults for the run to count, and
 * 3 when the harness itself failed.
 */
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClosing } from "../support/closing.ts";
import { startLanes, type Lanes } from "./lanes.ts";
import { logs, readHistory } from "./history.ts";
import { startMeasuring } from "./machine.ts";
import { readOptions } from "./options.ts";
import type { WechatNews, WechatProcessOptions } from "./processes/wechat.ts";
import { startProgram, type Program } from "./program.ts";
import { showProgress } from "./progress.ts";
import { waitForQuiet } from "./quiet.ts";
import { reconcile } from "./reconcile.ts";
import { describe, type Surroundings } from "./report.ts";
import { startSystem, type ChaosSystem } from "./system.ts";
import { judge } from "./verdict.ts";

/** A crash test of a quorum queue waits this long after it was declared, or it may come back without a leader. */
const QUORUM_SETTLES = 3000;

const options = readOptions(process.argv.slice(2));
const { closing: stage, close } = createClosing();
const failed = Promise.withResolvers<never>();
const fail = (reason: unknown): void => failed.reject(reason instanceof Error ? reason : new Error(String(reason)));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => void close().then(() => process.exit(128 + constants.signals[signal])));
}
const folder = await mkdtemp(join(tmpdir(), "wx-bridge-chaos-"));
console.log(`seed ${options.seed}, logs in ${folder}`);

try {
  process.exitCode = await Promise.race([run(), failed.promise]);
} catch (error) {
  console.error(error);
  process.exitCode = 3;
} finally {
  await close();
}
process.exit();

async function run(): Promise<number> {
  let lanes: Lanes | undefined;
  const onCrash = (process: string): void => lanes?.recordCrash(process);
  const system = await startSystem(stage, { ...options, folder, onCrash, onHarnessEnd: fail });
  await sleep(QUORUM_SETTLES);
  const measure = await startMeasuring();
  const wechat = await startWechat(system);
  lanes = startLanes({
    victims: system.victims,
    seed: options.seed,
    strikes: options.strikes,
    spread: (options.pushes / options.rate) * 1000,
    isOver: () => (wechat.news.sent ?? 0) >= options.pushes,
    log: join(folder, logs.faults),
  });
  lanes.ended.then(() => wechat.tellEnough(), fail);
  await showProgress({ wechat, lanes, backend: system.backend, pushes: options.pushes });
  const measured = { heldUp: wechat.news.heldUp ?? 0, ...(await measure()) };
  return finish({ ...measured, ...(await calmDown(system)) });
}

async function startWechat({ url }: ChaosSystem): Promise<Program<WechatNews>> {
  const { pushes, rate, tries, seed } = options;
  await writeFile(join(folder, logs.faults), "");
  const pushing: WechatProcessOptions = { url, pushes, rate, tries, seed, log: join(folder, logs.tries) };
  return startProgram<WechatNews>(stage, "wechat", JSON.stringify(pushing), fail);
}

async function calmDown({
  nodes,
  gateway,
  dispatcher,
}: ChaosSystem): Promise<Pick<Surroundings, "leftOver" | "drained">> {
  console.log("waiting for quiet");
  const [node] = nodes;
  const leftOver = node ? await waitForQuiet(folder, node) : {};
  return { leftOver, drained: { gateway: await gateway.drain(), dispatcher: await dispatcher.drain() } };
}

async function finish(surroundings: Surroundings): Promise<number> {
  const findings = reconcile(await readHistory(folder));
  const verdict = judge(findings, { ...surroundings, cluster: options.cluster });
  const report = { ...options, folder, finishedAt: new Date().toISOString(), ...verdict, findings, ...surroundings };
  const files = [join(folder, "report.json"), ...(options.out === undefined ? [] : [resolve(options.out)])];
  for (const file of files) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  console.log(`\n${describe(findings, verdict, surroundings)}\n\nwritten to ${files.join(" and ")}`);
  if (verdict.broken.length > 0) return 1;
  return verdict.notCount.length > 0 ? 2 : 0;
}
