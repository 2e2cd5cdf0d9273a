import { readFile } from "node:fs/promises";
import { codeOf } from "./code-of.ts";

/** Reads a file of UTF-8, without its byte order mark. `fault` says, after the file's name, why it cannot be read. */
export async function readText(file: string): Promise<{ text: string } | { fault: string }> {
  try {
    return decode(await readFile(file));
  } catch (error) {
    return { fault: `cannot be read (${codeOf(error)})` };
  }
}

function decode(bytes: Buffer): { text: string } | { fault: string } {
  if (isUtf16(bytes)) return { fault: "is UTF-16; save it as UTF-8" };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { fault: "is not UTF-8, but GBK perhaps; save it as UTF-8" };
  }
}

/** By its byte order mark, or by the zeros that its ASCII has, which no text in UTF-8 holds. */
function isUtf16(bytes: Buffer): boolean {
  return ["fffe", "feff"].includes(bytes.toString("hex", 0, 2)) || bytes.includes(0);
}
