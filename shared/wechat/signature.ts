import { hash, timingSafeEqual } from "node:crypto";

/**
 * WeChat's signature over `parts`: SHA-1 in lower-case hex of the parts sorted and joined
 * (开发者文档 "接入指南": token, timestamp, nonce; in safe mode the sealed text too).
 */
export function signatureOf(...parts: string[]): string {
  return hash("sha1", parts.sort().join(""));
}

/** Compares a signature in constant time; any difference in length or case is a mismatch. */
export function signatureMatches(given: string, ...parts: string[]): boolean {
  const expected = Buffer.from(signatureOf(...parts));
  const actual = Buffer.from(given);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
