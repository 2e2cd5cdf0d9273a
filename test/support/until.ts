import { setTimeout as sleep } from "node:timers/promises";

/** Resolves once `holds`, which is looked at every 20 ms; throws after `patience` ms, default 20 s, naming `what` did not come. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, patience = 20_000): Promise<void> {
  for (const end = Date.now() + patience; !(await holds()); await sleep(20)) {
    if (Date.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
  }
}
