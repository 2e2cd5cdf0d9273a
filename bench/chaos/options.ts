import { parseArgs } from "node:util";

export interface ChaosOptions {
  /** The least number of pushes: pushing goes on until every fault has struck as often as `strikes` says. */
  pushes: number;
  /** Pushes a second. */
  rate: number;
  /** Decides the order, length and distance of the faults and all else that is random; not the machine's own timing. */
  seed: string;
  /** How often WeChat tries a push: 3, or 10 as for a store's events. */
  tries: number;
  /** How often each kind of fault strikes each process, at least. A run with fewer than 5 does not count. */
  strikes: number;
  /** Three brokers instead of one. */
  cluster: boolean;
  /** Whether the gateway has a `data-dir`. */
  spool: boolean;
  /** Where the report goes as JSON, beside the run's folder. */
  out: string | undefined;
}

/** Reads the command line; throws on what it does not know. */
export function readOptions(args: string[]): ChaosOptions {
  const { values } = parseArgs({
    args,
    options: {
      pushes: { type: "string", default: "20000" },
      rate: { type: "string", default: "300" },
      seed: { type: "string", default: String(Date.now()) },
      tries: { type: "string", default: "3" },
      strikes: { type: "string", default: "5" },
      cluster: { type: "boolean", default: false },
      "no-spool": { type: "boolean", default: false },
      out: { type: "string" },
    },
  });
  return {
    pushes: positive("pushes", values.pushes),
    rate: positive("rate", values.rate),
    seed: values.seed,
    tries: positive("tries", values.tries),
    strikes: positive("strikes", values.strikes),
    cluster: values.cluster,
    spool: !values["no-spool"],
    out: values.out,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0) throw new Error(`--${name} takes a whole number above 0, not ${text}`);
  return value;
}
