import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { erlangEnvironment } from "./erlang-environment.ts";

/** What makes a node of its own: where it keeps its files, how it is called and where it listens. */
export type NodeIdentity = {
  sbin: string;
  folder: string;
  nodename: string;
  cookie: string;
  port: number;
  distributionPort: number;
  epmdPort: number;
  config: readonly string[];
  advanced: string;
  plugins: readonly string[];
};

const loopbackOnly = "-kernel inet_dist_use_interface {127,0,0,1}";

/** Writes the files a node reads at its start: Erlang's cookie, its configuration, and the list of plugins. */
export async function writeNodeFiles(node: NodeIdentity): Promise<void> {
  const cookie = join(node.folder, "home/.erlang.cookie");
  await mkdir(join(node.folder, "home"), { recursive: true });
  await writeFile(cookie, node.cookie);
  await chmod(cookie, 0o400);
  await writeFile(join(node.folder, "rabbitmq.conf"), node.config.map((line) => `${line}\n`).join(""));
  await writeFile(join(node.folder, "advanced.config"), node.advanced);
  await writeFile(join(node.folder, "enabled_plugins"), `[${node.plugins.join(", ")}].\n`);
}

/** The environment under which `rabbitmq-server` and `rabbitmqctl` know this node, and none other on the machine. */
export function nodeEnvironment({ sbin, folder, ...node }: NodeIdentity): NodeJS.ProcessEnv {
  return {
    ...erlangEnvironment(sbin),
    LANG: "C.UTF-8",
    HOME: join(folder, "home"),
    ERL_EPMD_PORT: String(node.epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: node.nodename,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(node.port),
    RABBITMQ_DIST_PORT: String(node.distributionPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${loopbackOnly} -start_epmd false`,
    RABBITMQ_CTL_ERL_ARGS: `${loopbackOnly} -start_epmd false`,
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, "advanced.config"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    RABBITMQ_FEATURE_FLAGS_FILE: join(folder, "feature_flags"),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, "generated"),
    RABBITMQ_SCHEMA_DIR: join(folder, "schema"),
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
  };
}
