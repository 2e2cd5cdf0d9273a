import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startEpmd } from "./epmd.ts";
import { findFreePort } from "./free-port.ts";
import { nodeEnvironment, writeNodeFiles } from "./node-environment.ts";
import type { NodeIdentity } from "./node-environment.ts";
import { createReaper } from "./reaper.ts";
import { startServer } from "./server-process.ts";
import type { ServerProcess } from "./server-process.ts";

const exec = promisify(execFile);
/** How long a start may take, in ms. */
const PATIENCE = 90_000;

/** The nodes of a cluster share `epmdPort`; a node alone needs none. */
export type PrivateNodeOptions = {
  /** The folder that holds `rabbitmq-server` and `rabbitmqctl`. */
  sbin: string;
  /** Default: a name made of the port, at localhost. */
  nodename?: string;
  /** The port of an epmd from `startEpmd`, to be stopped after its last node. Default: an epmd of the node's own. */
  epmdPort?: number;
  /** Lines of `rabbitmq.conf`. Default: none. */
  config?: readonly string[];
  /** The text of `advanced.config`. Default: nothing set. */
  advanced?: string;
  /** Default: none. */
  plugins?: readonly string[];
};

/** A RabbitMQ node to be hurt: nothing else uses it, and it ends with the process that started it. */
export type PrivateNode = {
  url: string;
  nodename: string;
  port: number;
  /** The process id of the Erlang VM; another one after each restart, 0 while it is down. */
  readonly pid: number;
  /** Runs `rabbitmqctl` against this node and returns what it printed; throws when it fails. */
  rabbitmqctl: (...args: string[]) => Promise<string>;
  /** Kills the node without a warning; resolves when it is dead. */
  kill9: () => Promise<void>;
  /** SIGSTOP: connections stay open, and once this has resolved nothing answers. */
  freeze: () => Promise<void>;
  /** SIGCONT. */
  thaw: () => void;
  /** Starts again with the same data and port: after `kill9`, or else after an orderly stop of its own. */
  restart: () => Promise<void>;
  /** Ends the node, and its own epmd, and removes its data. */
  stop: () => Promise<void>;
};

/** Starts a RabbitMQ on 127.0.0.1 with ports and a data folder of its own; resolves once it takes connections. */
export async function startPrivateNode(options: PrivateNodeOptions): Promise<PrivateNode> {
  const { sbin } = options;
  const epmd = options.epmdPort === undefined ? await startEpmd(sbin) : undefined;
  const folder = await mkdtemp(join(tmpdir(), "wx-bridge-rabbitmq-"));
  const reaper = createReaper(folder);
  const identity = await identify(options, folder, epmd?.port ?? options.epmdPort ?? 0);
  let server: ServerProcess | undefined;

  async function start(): Promise<void> {
    server = await startServer(identity, PATIENCE, reaper.watch);
  }

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const ending = server;
    server = undefined;
    await ending?.end(signal);
    if (ending) reaper.watch();
  }

  async function stop(): Promise<void> {
    await end("SIGKILL");
    await reaper.reap();
    await epmd?.stop();
  }

  try {
    await writeNodeFiles(identity);
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `amqp://guest:guest@127.0.0.1:${identity.port}`,
    nodename: identity.nodename,
    port: identity.port,
    get pid() {
      return server?.pid ?? 0;
    },
    rabbitmqctl: (...args) => rabbitmqctl(identity, args),
    kill9: () => end("SIGKILL"),
    freeze: async () => server?.freeze(),
    thaw: () => server?.signal("SIGCONT"),
    async restart() {
      await end("SIGTERM");
      await start();
    },
    stop,
  };
}

async function identify(options: PrivateNodeOptions, folder: string, epmdPort: number): Promise<NodeIdentity> {
  const port = await findFreePort();
  return {
    sbin: options.sbin,
    folder,
    nodename: options.nodename ?? `node${port}@localhost`,
    cookie: "wx-bridge",
    port,
    distributionPort: await findFreePort(),
    epmdPort,
    config: options.config ?? [],
    advanced: options.advanced ?? "[].\n",
    plugins: options.plugins ?? [],
  };
}

async function rabbitmqctl(node: NodeIdentity, args: string[]): Promise<string> {
  const run = { env: nodeEnvironment(node), cwd: node.folder, maxBuffer: 16 * 1024 * 1024 };
  return (await exec(join(node.sbin, "rabbitmqctl"), args, run)).stdout;
}
