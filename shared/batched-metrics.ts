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
  const pending = new Map<string, { labels: Readonly<Record<L, string>>; count: number }>();
  const counter = new Counter({
    ...configuration,
    collect() {
      for (const [key, { labels, count }] of pending) {
        pending.delete(key);
        counter.inc(labels, count);
      }
    },
  });
  return {
    inc(labels = {} as Record<L, string>) {
      let key = "";
      for (const name of labelNames) key += `${labels[name]}\n`;
      const known = pending.get(key);
      if (known === undefined) pending.set(key, { labels, count: 1 });
      else known.count++;
    },
  };
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
