import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";

/** What the machine went through. */
export interface Measured {
  /** Processes that wanted a CPU, on average over a minute, before and after. */
  load: readonly [number, number];
  /** Connections that the kernel turned away meanwhile; undefined but on Linux. */
  listenDrops: number | undefined;
}

/** Begins to measure; what is handed back ends it. */
export async function startMeasuring(): Promise<() => Promise<Measured>> {
  const [before, load] = [await countListenDrops(), loadavg()[0] ?? 0];
  return async () => {
    const after = await countListenDrops();
    const listenDrops = before === undefined || after === undefined ? undefined : after - before;
    return { load: [load, loadavg()[0] ?? 0], listenDrops };
  };
}

/**
 * How many connections the kernel has turned away since it started, because a listener's backlog was full: their
 * senders try again after 1 s, then after 2 s and 4 s more. Counted for the whole machine; undefined but on Linux.
 */
async function countListenDrops(): Promise<number | undefined> {
  const text = await readFile("/proc/net/netstat", "utf8").catch(() => "");
  const [names, values] = text
    .split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  const value = values?.[names?.indexOf("ListenDrops") ?? -1];
  return value === undefined ? undefined : Number(value);
}
