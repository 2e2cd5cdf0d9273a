import { valuesOf } from "./compare.ts";
import { ratios, type Figure } from "./figures.ts";
import type { Run, Subject } from "./load.ts";

/** Rates, their ratios, what a push costs and p99, of the bridge and of what stands beside it. */
export function figuresBeside(
  where: string,
  runs: ReadonlyMap<Subject, Run[]>,
  bridge: Subject,
  others: readonly { subject: Subject; atLeast?: number | undefined }[],
): Figure[] {
  const subjects = [bridge, ...others.map(({ subject }) => subject)];
  const rate = (subject: Subject): number[] => valuesOf(runs.get(subject), "rate");
  const each = (quantity: "rate" | "cpu", unit: Figure["unit"], what: string): Figure[] =>
    subjects.map((subject) => ({
      what: `${where} ${subject.name}${what}`,
      unit,
      values: valuesOf(runs.get(subject), quantity),
    }));
  return [
    ...each("rate", "/s", ""),
    ...others.map(({ subject, atLeast }): Figure => ({
      what: `${where} bridge / ${subject.name}`,
      unit: "×",
      values: ratios(rate(bridge), rate(subject)),
      ...(atLeast === undefined ? {} : { target: { atLeast } }),
    })),
    ...each("cpu", "µs", ", CPU a push"),
    { what: `${where} ${bridge.name}, p99`, unit: "ms", values: valuesOf(runs.get(bridge), "p99") },
  ];
}
