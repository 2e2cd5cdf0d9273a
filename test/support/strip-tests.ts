import { globSync } from "node:fs";
import { enableCompileCache, flushCompileCache, registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Puts the tests without their types into a folder for NODE_COMPILE_CACHE. Each file of tests is a process of its own, and
 * would load Node's TypeScript parser for that file alone. No test is run.
 */
export async function stripTests(patterns: readonly string[], folder: string): Promise<void> {
  const files = new Set(globSync(patterns).map((file) => pathToFileURL(resolve(file)).href));
  enableCompileCache(folder);
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      // What a module imports is resolved when the module is stripped, and before it is run.
      if (files.has(context.parentURL ?? "")) throw new Error("stripped");
      return next(specifier, context);
    },
  });
  for (const file of files) await import(file).catch(() => {});
  hooks.deregister();
  flushCompileCache();
}
