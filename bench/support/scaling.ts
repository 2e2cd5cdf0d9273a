import { compare, halfOf, valuesOf, warmUp } from "./compare.ts";
import { ratios, type Figure } from "./figures.ts";
import type { Load, Subject } from "./load.ts";
import type { Stage } from "./stage.ts";

const CONNECTIONS = 256;

/**
 * What each subject answers at most, as a share of what the first one of its group does, and its p99 while pushes come
 * at half of that, when they come and not when an answer makes room.
 */
export async function measureScaling(
  stage: Stage,
  load: Load,
  groups: readonly (readonly [Subject, ...Subject[]])[],
): Promise<Figure[]> {
  const subjects = groups.flat();
  const fastest = await warmUp(stage, load, subjects);
  const full = await compare(stage, load, subjects, { connections: CONNECTIONS, rate: fastest });
  const paces = halfOf(full);
  const half = await compare(stage, load, subjects, { connections: CONNECTIONS, rate: fastest / 2, paces });
  const rateOf = (subject: Subject): number[] => valuesOf(full.get(subject), "rate");

  const figuresOf = (subject: Subject): Figure[] => [
    { what: subject.name, unit: "/s", values: rateOf(subject) },
    { what: `${subject.name}, CPU a push`, unit: "µs", values: valuesOf(full.get(subject), "cpu") },
    {
      what: `${subject.name}, p99 at ${paces.get(subject)?.toFixed(0)}/s`,
      unit: "ms",
      values: valuesOf(half.get(subject), "p99"),
    },
  ];
  const besideFirst = ([first, ...others]: readonly [Subject, ...Subject[]]): Figure[] =>
    others.map((other) => ({
      what: `${other.name} / ${first.name}`,
      unit: "×",
      values: ratios(rateOf(other), rateOf(first)),
    }));
  return [...subjects.flatMap(figuresOf), ...groups.flatMap(besideFirst)];
}
