import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { codeOf } from "../code-of.ts";

/** What a file holds. `fault` and `flaw` say, after the file's name, why it cannot be read, or not whole. */
export type ReadText = { fault: string } | { text: string; flaw?: string };

/** Reads a file of UTF-8, without its byte order mark. Bytes that are none become U+FFFD, and are a flaw. */
export async function readText(file: string): Promise<ReadText> {
  try {
    return decode(await readFile(file));
  } catch (error) {
    return { fault: `cannot be read (${codeOf(error, "unknown error")})` };
  }
}

function decode(bytes: Buffer): ReadText {
  if (isUtf16(bytes)) return { fault: "is UTF-16; save it as UTF-8" };
  const text = new TextDecoder().decode(bytes);
  return isUtf8(bytes) ? { text } : { text, flaw: "is not UTF-8, but GBK perhaps; save it as UTF-8" };
}

/** By its byte order mark, or by the zeros that its ASCII has, which no text in UTF-8 holds. */
function isUtf16(bytes: Buffer): boolean {
  return ["fffe", "feff"].includes(bytes.toString("hex", 0, 2)) || bytes.includes(0);
}
