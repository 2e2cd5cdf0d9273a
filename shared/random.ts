import { randomFillSync } from "node:crypto";

const POOL = 8192;

let pool = Buffer.alloc(0);
let used = 0;

/** Cryptographically strong random bytes, at most 8192, drawn many at a time; none is handed out twice. */
export function takeRandom(length: number): Buffer {
  if (used + length > pool.length) {
    pool = randomFillSync(Buffer.allocUnsafeSlow(POOL));
    used = 0;
  }
  used += length;
  return pool.subarray(used - length, used);
}
