/**
 * Where a CPU profile's time went: `node bench/profile.ts <file.cpuprofile> [lines]` prints the packages, folders
 * and functions that used most of it. `--profile <folder>` of run.ts makes the files.
 */
import { readFile } from "node:fs/promises";

interface Frame {
  functionName: string;
  url: string;
  lineNumber: number;
}

interface Profile {
  nodes: { id: number; callFrame: Frame; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
}

const [file, lines = "40"] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: node bench/profile.ts <file.cpuprofile> [lines]");
const profile = JSON.parse(await readFile(file, "utf8")) as Profile;
const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
const parents = new Map(
  profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
);
const byPlace = new Map<string, number>();
const byFunction = new Map<string, number>();
const withCallees = new Map<string, number>();
let total = 0;

profile.samples.forEach((id, i) => {
  const frame = frames.get(id);
  const time = profile.timeDeltas[i] ?? 0;
  if (frame === undefined || frame.functionName === "(idle)") return;
  total += time;
  add(byPlace, placeOf(shorten(frame.url)) || frame.functionName, time);
  add(byFunction, nameOf(frame), time);
  for (const name of stackOf(id)) add(withCallees, name, time);
});
print("by package or folder", byPlace, 25);
print("by function, itself", byFunction, Number(lines));
print("by function, with all it calls", withCallees, Number(lines));

/** The functions on the stack of a sample; a recursive one counts once. */
function stackOf(id: number): Set<string> {
  const names = new Set<string>();
  for (let node: number | undefined = id; node !== undefined; node = parents.get(node)) {
    const frame = frames.get(node);
    if (frame !== undefined && frame.functionName !== "(root)") names.add(nameOf(frame));
  }
  return names;
}

function nameOf({ functionName, url, lineNumber }: Frame): string {
  const path = shorten(url);
  return `${functionName || "(anonymous)"}${path === "" ? "" : ` ${path}:${lineNumber + 1}`}`;
}

function add(times: Map<string, number>, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}

function shorten(url: string): string {
  return url.replace(/^.*\/node_modules\//, "~/").replace(`file://${process.cwd()}/`, "");
}

/** A package, one of our folders, or a module of Node's. */
function placeOf(path: string): string {
  if (path.startsWith("~/")) return /^~\/(@[^/]+\/[^/]+|[^/]+)/.exec(path)?.[0] ?? path;
  return path.startsWith("node:") ? (path.split("/", 1)[0] ?? path) : path.split("/").slice(0, -1).join("/");
}

function print(title: string, times: ReadonlyMap<string, number>, count: number): void {
  console.log(title);
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, count);
  for (const [name, time] of sorted) console.log(`${((time / total) * 100).toFixed(1).padStart(5)} %  ${name}`);
  console.log();
}
