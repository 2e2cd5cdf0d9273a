import { Counter, Histogram, type CounterConfiguration, type HistogramConfiguration } from "prom-client";

/** Counts one at a time, for each set of labels. */
export interface Count<L extends string> {
  inc(labels?: Readonly<Record<L, string>>): void;
}

/**
 * A counter of prom-client's that learns of what was counted when it is asked: what it does to labels at every call would
 * cost a push more than the counting.
 */
export function createCounter<L extends string>(
  configuration: CounterConfiguration<L> & { labelNames: L[] },
): Count<L> {
  const { labelNames } = configuration;
  const tallies: Tally<L>[] = [];
  const root: Branch<L> = { tally: undefined, next: new Map() };
  const counter = new Counter({
    ...configuration,
    collect() {
      for (const tally of tallies) {
        if (tally.count > 0) counter.inc(tally.labels, tally.count);
        tally.count = 0;
      }
    },
  });

  function tallyOf(labels: Readonly<Record<L, string>>): Tally<L> {
    let branch = root;
    for (const name of labelNames) branch = branchOf(branch, labels[name]);
    if (branch.tally === undefined) tallies.push((branch.tally = { labels, count: 0 }));
    return branch.tally;
  }

  return {
    inc: (labels = {} as Record<L, string>) => void tallyOf(labels).count++,
  };
}

interface Tally<L extends string> {
  readonly labels: Readonly<Record<L, string>>;
  count: number;
}

/** Tallies are found label by label: a key made of all of them would have to be put together each time. */
interface Branch<L extends string> {
  tally: Tally<L> | undefined;
  readonly next: Map<string, Branch<L>>;
}

function branchOf<L extends string>({ next }: Branch<L>, label: string): Branch<L> {
  let branch = next.get(label);
  if (branch === undefined) next.set(label, (branch = { tally: undefined, next: new Map() }));
  return branch;
}

/** Notes values, for each set of labels. */
export interface Observations<L extends string> {
  observe(labels: Readonly<Record<L, string>>, value: number): void;
}

const MAX_PENDING = 1000;

/** A histogram of prom-client's that gets its values up to 1000 at a time, and those that wait when it is asked. */
export function createHistogram<L extends string>(configuration: HistogramConfiguration<L>): Observations<L> {
  let pending: { labels: Readonly<Record<L, string>>; value: number }[] = [];
  const histogram = new Histogram({ ...configuration, collect: tell });

  function tell(): void {
    const values = pending;
    pending = [];
    for (const { labels, value } of values) histogram.observe(labels, value);
  }

  return {
    observe(labels, value) {
      if (pending.push({ labels, value }) >= MAX_PENDING) tell();
    },
  };
}
