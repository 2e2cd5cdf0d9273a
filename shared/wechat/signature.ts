import { hash, timingSafeEqual } from "node:crypto";

/**
 * WeChat's signature over `parts`: SHA-1 in lower-case hex of the parts sorted and joined
 * (开发者文档 "接入指南": token, timestamp, nonce; in safe mode the sealed text too).
 */
export function signatureOf(...parts: string[]): string {
  sort(parts);
  let text = "";
  for (const part of parts) text += part;
  return hash("sha1", text);
}

/** In place, by UTF-16 units; for three or four texts Array's own method takes as long as the digest. */
function sort(texts: string[]): void {
  for (let i = 1; i < texts.length; i++) {
    const text = texts[i] as string;
    let at = i;
    for (; at > 0 && (texts[at - 1] as string) > text; at--) texts[at] = texts[at - 1] as string;
    texts[at] = text;
  }
}

const LENGTH = 40;
/** Kept, as each push is compared twice; written over whole each time. */
const expected = Buffer.alloc(LENGTH);
const actual = Buffer.alloc(LENGTH);

/** Compares a signature in constant time; any difference in length or case is a mismatch. */
export function signatureMatches(given: string, ...parts: string[]): boolean {
  if (given.length !== LENGTH || actual.write(given) !== LENGTH) return false;
  expected.write(signatureOf(...parts));
  return timingSafeEqual(expected, actual);
}
