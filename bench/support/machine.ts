import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { connect } from "amqplib";

const root = join(import.meta.dirname, "../..");
/** Packages that the figures depend on, ours and those of what stands beside us. */
const packages = ["fastify", "undici", "amqplib", "fast-xml-parser", "pino", "express", "wechat"];

/** Where the figures were taken; they mean little without it. */
export interface Machine {
  cpus: number;
  model: string;
  memoryGb: number;
  system: string;
  node: string;
  /** The commit that was measured, "-dirty" when files had changed since; undefined outside a repository. */
  commit?: string;
  /** "fastify 5.12.8", … */
  packages: string;
  /** Processes that wanted a CPU in the last minute before the start: above 0.5 means that others were at work. */
  load: number;
}

export function describeMachine(): Machine {
  const [first] = cpus();
  const { stdout } = spawnSync("git", ["describe", "--always", "--dirty"], { cwd: root, encoding: "utf8" });
  return {
    cpus: cpus().length,
    model: first?.model.trim() ?? "unknown",
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    ...(stdout ? { commit: stdout.trim() } : {}),
    packages: packages.map((name) => `${name} ${versionOf(name)}`).join(", "),
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

function versionOf(name: string): string {
  const text = readFileSync(join(root, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** What a broker calls itself, such as "RabbitMQ 4.1.0". */
export async function describeBroker(url: string): Promise<string> {
  const model = await connect(url);
  try {
    const { serverProperties } = model.connection;
    return `${serverProperties["product"]} ${serverProperties["version"]}`;
  } finally {
    await model.close();
  }
}
