/**
 * Loaded before the bridge with `node --expose-gc --import`: collects garbage and tells the memory in use whenever the
 * parent asks. The bridge itself knows nothing of it.
 */
import { setTimeout as sleep } from "node:timers/promises";

process.on("message", () => void measure());
process.channel?.unref();

async function measure(): Promise<void> {
  // What a collection frees may hold on to more that only the next one frees, and pages go back a little later. The last
  // resort gives back what V8 would keep in reserve, most of what a busy process has resident.
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    await sleep(200);
  }
  process.send?.(process.memoryUsage());
}
