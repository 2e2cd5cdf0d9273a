import { hash, timingSafeEqual } from "node:crypto";

/**
 * WeChat's signature over `parts`: SHA-1 in lower-case hex of the parts sorted and joined
 * (开发者文档 "接入指南": token, timestamp, nonce; in safe mode the sealed text too).
 */
export function signatureOf(...parts: string[]): string {
  return hash("sha1", parts.sort().join(""));
}

const LENGTH = 40;
/** Kept, as each push is compared twice; written over whole each time. */
const expected = Buffer.alloc(LENGTH);
const actual = Buffer.alloc(LENGTH);

/** Compares a signature in constant time; any difference in length or case is a mismatch. */
export function signatureMatches(given: string, ...parts: string[]): boolean {
  if (given.length !== LENGTH) return false;
  expected.write(signatureOf(...parts));
  actual.fill(0).write(given);
  return timingSafeEqual(expected, actual);
}
