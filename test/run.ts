/**
 * `npm test`: gets a RabbitMQ (see `support/broker.ts`), names it in AMQP_URL, and runs the tests.
 *
 *     npm test                                        all tests
 *     npm test -- test/shared                         those of a folder, of a file, or of a pattern
 *     npm test -- --test-name-pattern=retry           with any flags of `node --test`
 *     npm test -- --no-broker test/shared/x.test.ts   without getting a RabbitMQ
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { obtainBroker } from "./support/broker.ts";
import type { Broker } from "./support/broker.ts";
import { createReaper } from "./support/reaper.ts";
import type { Reaper } from "./support/reaper.ts";
import { stripTests } from "./support/strip-tests.ts";
import { parseTestArguments } from "./support/test-arguments.ts";
import type { TestArguments } from "./support/test-arguments.ts";

const root = dirname(import.meta.dirname);
const interrupted = new AbortController();

requireNode(22, 22);
process.chdir(root);
// Not `once`: a library that finds no listener but its own takes the signal for its own, and ends the process with it.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, interrupt);
// Ends also what may be left over, such as a container that is still being fetched.
process.exit(await runWithBroker(parseTestArguments(process.argv.slice(2))));

async function runWithBroker(args: TestArguments): Promise<number> {
  let broker: Broker | undefined;
  try {
    if (args.broker) broker = await Promise.race([obtainBroker(), untilInterrupted()]);
    return await runTests(args, broker ? { ...process.env, AMQP_URL: broker.url } : process.env);
  } catch (error) {
    if (!interrupted.signal.aborted) console.error(error instanceof Error ? error.message : error);
    return exitCodeOf(interrupted.signal.reason, 1);
  } finally {
    await broker?.stop();
  }
}

async function runTests(args: TestArguments, env: NodeJS.ProcessEnv): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "wx-bridge-test-"));
  const reaper = createReaper(folder);
  const count = join(folder, "count");
  try {
    const reporters = ["spec", join(root, "test/support/count-executed.ts")];
    const destinations = ["stdout", count];
    const flags = [
      "--test",
      "--test-concurrency=3", // on two cores: most of a file is waiting
      "--test-timeout=120000",
      ...reporters.map((reporter) => `--test-reporter=${reporter}`),
      ...destinations.map((destination) => `--test-reporter-destination=${destination}`),
    ];
    // Some hundred processes load the same modules: they strip and compile them once.
    const compiled = env["NODE_COMPILE_CACHE"] ?? join(folder, "compiled");
    await stripTests(args.files, compiled);
    const nodeEnv = { ...env, NODE_COMPILE_CACHE: compiled };
    const code = await runNode([...flags, ...args.flags, ...args.files], nodeEnv, reaper);
    const executed = Number(await readFile(count, "utf8").catch(() => 0));
    if (executed === 0 && !interrupted.signal.aborted)
      console.error(`No test ran: ${args.files.join(" ")} ${args.flags.join(" ")}`);
    return executed === 0 ? code || 1 : code;
  } finally {
    await reaper.reap();
  }
}

/** In a process group of its own: a test that is ended by a signal ends nothing that it has started. */
async function runNode(args: string[], env: NodeJS.ProcessEnv, reaper: Reaper): Promise<number> {
  const child = spawn(process.execPath, args, { env, cwd: root, stdio: "inherit", detached: true });
  reaper.watch(child.pid);
  const stop = (): void => void child.kill(interrupted.signal.reason);
  interrupted.signal.addEventListener("abort", stop);
  const [code, signal] = await once(child, "exit");
  return exitCodeOf(interrupted.signal.reason ?? signal, code);
}

/** The first signal ends the tests and then the broker; a second one ends this process at once, and with it the broker. */
function interrupt(name: NodeJS.Signals): void {
  if (interrupted.signal.aborted) process.exit(exitCodeOf(name, 1));
  interrupted.abort(name);
}

function untilInterrupted(): Promise<never> {
  return new Promise((_, reject) => interrupted.signal.addEventListener("abort", reject));
}

/** A process that a signal ended has 128 and the signal's number for its exit code. */
function exitCodeOf(signal: NodeJS.Signals | undefined | null, otherwise: number): number {
  return signal ? 128 + constants.signals[signal] : otherwise;
}

function requireNode(major: number, minor: number): void {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split(".").map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  console.error(`The tests need Node.js ${major}.${minor} or newer; this is ${process.version} (${process.execPath}).`);
  process.exit(1);
}
