import { PerformanceObserver } from "node:perf_hooks";
import type { Closing } from "./loopback-server.ts";

/** Counts how often this process asks the operating system for the addresses of a host name, from now on. */
export function countLookups(t: Closing, hostname: string): () => number {
  const entries: unknown[] = [];
  const observer = new PerformanceObserver((list) => void entries.push(...list.getEntries()));
  observer.observe({ entryTypes: ["dns"] });
  t.after(async () => observer.disconnect());
  return () => {
    entries.push(...observer.takeRecords());
    return entries.filter((entry) => (entry as { detail: { hostname?: unknown } }).detail.hostname === hostname).length;
  };
}
