import { setFlagsFromString } from "node:v8";
import { type Command, Option } from "commander";
import { loadConfig } from "../shared/config/load.ts";
import { createLogger, type Logger } from "../shared/log.ts";
import { createDemoAccount, demoCommand, demoConfig, shellCommands, type DemoAccount } from "./demo.ts";
import { endProcess } from "./end-process.ts";
import { fail, reportConfigError } from "./fail.ts";
import type { Role, RunningBridge } from "./run.ts";

/** Everything has to be drained by then; container platforms kill after 15 s in our compose file. */
const SHUTDOWN_LIMIT = 10_000;

const roles: Record<Role, string> = {
  start: "gateway and dispatcher in one process; without a config a demo account in echo mode",
  gateway: "takes WeChat's pushes and publishes them to RabbitMQ",
  dispatcher: "consumes events from RabbitMQ and asks the HTTP backends",
};

/** `start`, `gateway` and `dispatcher`: processes that run until SIGTERM or SIGINT. */
export function addRoleCommands(program: Command): void {
  // A first word that is no command is a slip: as an argument of the default one, nothing would be told of it.
  const isBare = !/^[^-]/.test(process.argv[2] ?? "");
  for (const [role, description] of Object.entries(roles) as [Role, string][]) {
    program
      .command(role, { isDefault: role === "start" && isBare })
      .description(description)
      .addOption(new Option("-c, --config <file>", "the config file").env("CONF_FILE"))
      .action(({ config: file }: { config?: string }) => runRole(role, file));
  }
}

async function runRole(role: Role, file: string | undefined): Promise<void> {
  tuneCollector();
  const demo = role === "start" && !file ? createDemoAccount() : undefined;
  const loading = demo ? demoConfig(demo, process.env) : loadConfig(process.env, file);
  const { config, warnings } = await loading.catch(reportConfigError);
  if (role !== "start" && config.amqp === undefined) {
    fail(
      `wx-bridge ${role} needs RabbitMQ: set AMQP_URL, or amqp.url in the config file. Only "wx-bridge start" runs without.`,
    );
  }
  const log = createLogger(config.logLevel);
  for (const warning of warnings) log.warn(warning);
  if (config.amqp === undefined && config.dataDir === undefined) {
    log.warn("in-process bus: events that wait are held in memory only and are lost when this process ends");
  }
  const { runBridge } = await import("./run.ts"); // a config that is refused needs nothing of it
  const starting = runBridge(role, config, log).catch(reportConfigError);
  const closing = closeOnSignals(starting, log);
  const bridge = await starting;
  if (closing.aborted) return;
  log.info({ role, port: bridge.port, internalPort: bridge.internalPort, services: config.accounts.length }, "ready");
  if (demo && bridge.port !== undefined) greet(demo, bridge.port);
}

/**
 * V8 collects the whole heap whenever some megabytes have grown old, and all pushes that are in flight grow old with it,
 * which brings the next collection on: one every second or two under load, a tenth of all CPU time. So it is to wait until
 * the heap has doubled, as Go does; never past its limit. And it makes objects old from the start where it has once
 * seen them live long: here that is a push's few milliseconds, and they keep what hangs on them from young collections.
 */
function tuneCollector(): void {
  setFlagsFromString("--heap-growing-percent=100");
  setFlagsFromString("--no-allocation-site-pretenuring");
}

/** From now on: a gateway takes pushes before it has started whole. Returns what is aborted when it has come to that. */
function closeOnSignals(starting: Promise<RunningBridge>, log: Logger): AbortSignal {
  const closing = new AbortController();
  const close = async (signal: NodeJS.Signals): Promise<void> => {
    if (closing.signal.aborted) return;
    closing.abort();
    log.info({ signal }, "draining");
    const limit = setTimeout(() => {
      log.error("not drained in time");
      log.flush(() => endProcess(1));
    }, SHUTDOWN_LIMIT).unref();
    await (await starting).close();
    clearTimeout(limit);
    log.info("stopped");
    log.flush(() => endProcess(0));
  };
  process.on("SIGTERM", (signal) => void close(signal));
  process.on("SIGINT", (signal) => void close(signal));
  return closing.signal;
}

function greet(demo: DemoAccount, port: number): void {
  console.log(`
A demo account waits at http://127.0.0.1:${port}${demo.path} and echoes what it is sent. Try it from another terminal:

  ${demoCommand(demo, port)}

With your own account: CONF_FILE=./wx-bridge.conf.json ${shellCommands.start}
`);
}
