import { cpus, loadavg, release, totalmem } from "node:os";
import { connect } from "amqplib";

/** Where the figures were taken; they mean little without it. */
export interface Machine {
  cpus: number;
  model: string;
  memoryGb: number;
  system: string;
  node: string;
  /** Processes that wanted a CPU in the last minute before the start: above 0.5 means that others were at work. */
  load: number;
}

export function describeMachine(): Machine {
  const [first] = cpus();
  return {
    cpus: cpus().length,
    model: first?.model.trim() ?? "unknown",
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
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
