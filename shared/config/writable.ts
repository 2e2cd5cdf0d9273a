import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../code-of.ts";

/**
 * Why no file can be written below `folder`, an absolute path, whether it is there or would have to be made: the
 * operating system's name of the error; undefined when one can. Changes nothing.
 */
export function whyNotWritable(folder: string): string | undefined {
  try {
    if (!statSync(folder).isDirectory()) return "ENOTDIR";
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const code = codeOf(error, "unknown error");
    const above = dirname(folder);
    return code === "ENOENT" && above !== folder ? whyNotWritable(above) : code;
  }
}
