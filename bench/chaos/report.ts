import type { Measured } from "./machine.ts";
import type { Findings } from "./reconcile.ts";
import { percent, type Verdict } from "./verdict.ts";

/** What is no finding but helps to judge one. */
export interface Surroundings extends Measured {
  /** Messages in queues at the end. */
  leftOver: Record<string, number>;
  /** The longest that the process which plays WeChat was held up itself, in ms. */
  heldUp: number;
  /** Exit codes of the SIGTERM at the end. */
  drained: Record<string, number | null>;
}

/** A run's report as lines of text. */
export function describe(findings: Findings, verdict: Verdict, surroundings: Surroundings): string {
  const { pushes, tries, answers, strikes, inTime } = findings;
  const unexplained = listed(findings.unexplained.map(({ push, number }) => `${push}/${number}`));
  const rows: [string, string][] = [
    ["pushes", `${pushes}, ${findings.rate.toFixed(1)} a second`],
    ["acknowledged", `${findings.acknowledged} (${percent(findings.acknowledged / pushes)}), all inside 5 s`],
    ["never acknowledged", `${findings.neverAcknowledged}, of which recovered ${findings.recovered}`],
    ["lost", listed(findings.lost)],
    ["duplicated", `${findings.duplicated}; under another id or body: ${listed(findings.misidentified)}`],
    ["unexpected", String(findings.unexpected)],
    ["tries", `${tries.count}: ${counts(tries.ends)}`],
    ["answers 200", `${counts(tries.said)}; wrong: ${listed(findings.wrong)}`],
    [
      "answered inside 5 s",
      `${percent(inTime.all)} of the tries; of those with the gateway up ${percent(inTime.gatewayUp)}`,
    ],
    ["until the answer", `median ${answers.median} ms, p99 ${answers.p99} ms, slowest ${answers.slowest} ms`],
    ["no answer, gateway up", `${findings.unanswered}, of which not in the 5 s after a fault: ${unexplained}`],
    ["met a fault", percent(findings.met)],
    ...Object.entries(strikes).map(([process, kinds]): [string, string] => [`strikes, ${process}`, counts(kinds)]),
    ["ended by themselves", listed(findings.crashes)],
    ["left in queues", counts(surroundings.leftOver)],
    ["exit codes", counts(surroundings.drained)],
    ["WeChat held up itself", `${surroundings.heldUp} ms`],
    ["load of the machine", surroundings.load.map((value) => value.toFixed(1)).join(" before, ") + " after"],
    ["connections turned away", String(surroundings.listenDrops ?? "not known")],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return [...lines, ...verdictOf(verdict)].join("\n");
}

function verdictOf({ broken, notCount }: Verdict): string[] {
  if (broken.length > 0) return ["", "BROKEN:", ...broken.map((line) => `  ${line}`)];
  if (notCount.length > 0) return ["", "THE RUN DOES NOT COUNT:", ...notCount.map((line) => `  ${line}`)];
  return ["", "held: nothing that was acknowledged is lost, and every answer came in time"];
}

function counts(of: Record<string, number | null>): string {
  const words = Object.entries(of).map(([name, count]) => `${name} ${count}`);
  return words.length === 0 ? "none" : words.join(", ");
}

/** The first ten; the whole list is in the JSON file. */
function listed(items: readonly (string | number)[]): string {
  if (items.length === 0) return "0";
  return `${items.length} (${items.slice(0, 10).join(", ")}${items.length > 10 ? ", …" : ""})`;
}
