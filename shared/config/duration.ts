import type { RetryDelay } from "./config.ts";

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type Unit = keyof typeof milliseconds;

/** How a duration is written: a whole number and its unit, such as `4500ms`, `30s`, `1m`, `6h` or `7d`. */
export const durationPattern = "^[1-9][0-9]{0,8}(ms|s|m|h|d)$";

/** Milliseconds of a duration as `durationPattern` describes it, or of a number of ms; undefined when it is neither. */
export function parseDuration(duration: string | number): number | undefined {
  if (typeof duration === "number") return duration;
  if (!new RegExp(durationPattern).test(duration)) return undefined;
  const digits = Number.parseInt(duration, 10);
  return digits * milliseconds[duration.slice(String(digits).length) as Unit];
}

/** The wait that a rung of `retry` writes, such as "10s". */
export function retryDelayOf(name: string): RetryDelay {
  return { name, ms: parseDuration(name) ?? 0 };
}
