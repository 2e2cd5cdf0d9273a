import { readFile } from "node:fs/promises";

/**
 * How many connections the kernel has turned away since it started, because a listener's backlog was full: their
 * senders try again after 1 s, then after 2 s and 4 s more. Counted for the whole machine; undefined but on Linux.
 */
export async function countListenDrops(): Promise<number | undefined> {
  const text = await readFile("/proc/net/netstat", "utf8").catch(() => "");
  const [names, values] = text
    .split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  const value = values?.[names?.indexOf("ListenDrops") ?? -1];
  return value === undefined ? undefined : Number(value);
}
