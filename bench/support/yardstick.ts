import { randomUUID } from "node:crypto";
import type { Subject } from "./load.ts";
import { startProgram } from "./program.ts";
import type { Stage } from "./stage.ts";

/** A yardstick of one process: `bench/processes/<name>.ts`. */
export async function startYardstick(
  stage: Stage,
  name: string,
  args: readonly unknown[],
  expect: Subject["expect"],
): Promise<Subject> {
  const { port, pid } = await startProgram(stage, name, args);
  return { name: name.replaceAll("-", " "), port, pids: [pid], expect };
}

/** The least that a bridge over RabbitMQ must do, as two processes; `crypto`: and what safe mode needs. */
export async function startLeast(
  stage: Stage,
  { amqpUrl, backend, mode }: { amqpUrl: string; backend: number; mode: "plain" | "crypto" },
): Promise<Subject> {
  const queue = `bench-least-${randomUUID()}`;
  const dispatcher = await startProgram(stage, "least-dispatcher", [amqpUrl, queue, backend]);
  const gateway = await startProgram(stage, "least-gateway", [amqpUrl, queue, mode]);
  return {
    name: mode === "plain" ? "least" : "least with crypto",
    port: gateway.port,
    pids: [gateway.pid, dispatcher.pid],
    expect: mode === "plain" ? "plain" : "sealed",
  };
}
