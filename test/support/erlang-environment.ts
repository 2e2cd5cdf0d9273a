import { existsSync, readdirSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/**
 * The environment that the scripts of a RabbitMQ `sbin` folder need to find Erlang and its libraries: packages that were
 * unpacked instead of installed keep both beside RabbitMQ, an installed RabbitMQ finds them on the PATH.
 */
export function erlangEnvironment(sbin: string): NodeJS.ProcessEnv {
  const lib = resolve(sbin, "../../../..");
  const erlang = join(lib, "erlang/bin");
  if (!existsSync(join(erlang, "erl"))) return { PATH: process.env["PATH"] };
  const path = `${erlang}${delimiter}${process.env["PATH"] ?? "/usr/bin:/bin"}`;
  return lib === "/usr/lib" ? { PATH: path } : { PATH: path, LD_LIBRARY_PATH: libraryFolders(lib).join(":") };
}

/** Both places of libraries in a Debian root: `/usr/lib/<triplet>` and, before all moved to /usr, `/lib/<triplet>`. */
function libraryFolders(lib: string): string[] {
  return [lib, resolve(lib, "../../lib")].filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.includes("-linux-gnu"))
      .map((name) => join(folder, name)),
  );
}
