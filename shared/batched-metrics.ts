import { Counter, Histogram, type CounterConfiguration, type HistogramConfiguration } from "prom-client";

type Labels<L extends string> = Readonly<Record<L, string>>;

/** Counts one at a time, for each set of labels. */
export interface Count<L extends string> {
  inc(labels?: Labels<L>): void;
  /** Shows 0 until it is counted: to Prometheus, a series that begins with its first count has not increased. */
  begin(labels: Labels<L>): void;
}

/**
 * A counter of prom-client's that learns of what was counted when it is asked: what it does to labels at every call would
 * cost a push more than the counting.
 */
export function createCounter<L extends string>(
  configuration: CounterConfiguration<L> & { labelNames: L[] },
): Count<L> {
  const tallies = createByLabels(configuration.labelNames, (labels) => ({ labels, count: 0 }));
  const counter = new Counter({
    ...configuration,
    collect() {
      for (const tally of tallies.all) {
        if (tally.count > 0) counter.inc(tally.labels, tally.count);
        tally.count = 0;
      }
    },
  });
  return {
    inc: (labels = {} as Labels<L>) => void tallies.of(labels).count++,
    begin: (labels) => counter.inc(labels, 0),
  };
}

/** Notes values, for each set of labels. */
export interface Observations<L extends string> {
  observe(labels: Labels<L>, value: number): void;
}

const MAX_PENDING = 256;

/** A histogram of prom-client's that gets its values up to 256 at a time, and those that wait when it is asked. */
export function createHistogram<L extends string>(
  configuration: HistogramConfiguration<L> & { labelNames: L[] },
): Observations<L> {
  const pending = createByLabels(configuration.labelNames, (labels) => ({
    labels,
    values: new Float64Array(MAX_PENDING), // an object for each value would live long enough to burden V8's old generation
    count: 0,
  }));
  const histogram = new Histogram({ ...configuration, collect: () => pending.all.forEach(tell) });

  function tell(waiting: { labels: Labels<L>; values: Float64Array; count: number }): void {
    for (let i = 0; i < waiting.count; i++) histogram.observe(waiting.labels, waiting.values[i] as number);
    waiting.count = 0;
  }

  return {
    observe(labels, value) {
      const waiting = pending.of(labels);
      waiting.values[waiting.count++] = value;
      if (waiting.count === MAX_PENDING) tell(waiting);
    },
  };
}

interface Branch<T> {
  value: T | undefined;
  readonly next: Map<string, Branch<T>>;
}

/** Something for each set of labels, found label by label: a key made of all of them would have to be put together each time. */
function createByLabels<L extends string, T>(labelNames: readonly L[], create: (labels: Labels<L>) => T) {
  const all: T[] = [];
  const root: Branch<T> = { value: undefined, next: new Map() };
  return {
    all,
    of(labels: Labels<L>): T {
      let branch = root;
      for (const name of labelNames) branch = branchOf(branch, labels[name]);
      if (branch.value === undefined) all.push((branch.value = create(labels)));
      return branch.value;
    },
  };
}

function branchOf<T>({ next }: Branch<T>, label: string): Branch<T> {
  let branch = next.get(label);
  if (branch === undefined) next.set(label, (branch = { value: undefined, next: new Map() }));
  return branch;
}
