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
