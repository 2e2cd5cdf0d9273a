import type { EventOf } from "../wechat/kinds/kinds.ts";

/** Where a field may be a number or text it is an id, and may be beyond 2^53. */
type WithBigInts<T> = [unknown] extends [T]
  ? T
  : [number | string] extends [T]
    ? T | bigint
    : T extends readonly (infer Item)[]
      ? WithBigInts<Item>[]
      : T extends object
        ? { [K in keyof T]: WithBigInts<T[K]> }
        : T;

/**
 * The body of events with routing key `K`, such as `PushOf<"msg.text">`, as the kit hands it over: integers beyond 2^53
 * are `bigint`. For patterns and keys that are not known by name, fields are `unknown`.
 */
export type PushOf<K extends string> = WithBigInts<EventOf<K>>;

/** Reads the body of an event; every digit of an integer is kept. Throws a `SyntaxError` for anything but JSON. */
export function readPush(body: Buffer): Record<string, unknown> {
  const text = body.toString("utf8");
  // Only few pushes have such numbers, and a reviver makes the parser slow.
  return JSON.parse(text, /\d{16}/.test(text) ? keepDigits : undefined) as Record<string, unknown>;
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}
