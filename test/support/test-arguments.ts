import { statSync } from "node:fs";
import { parseArgs } from "node:util";

/** What `npm test` is asked for: flags for `node --test`, the test files as paths or patterns, and whether a broker. */
export type TestArguments = { flags: string[]; files: string[]; broker: boolean };

// The flags of node:test that take a value, which would otherwise be read as a file.
const withValue = [
  "conditions",
  "env-file",
  "import",
  "test-concurrency",
  "test-global-setup",
  "test-isolation",
  "test-name-pattern",
  "test-reporter",
  "test-reporter-destination",
  "test-rerun-failures",
  "test-shard",
  "test-skip-pattern",
  "test-timeout",
];

/**
 * Takes the arguments of `npm test` apart. A folder means all the tests in it, no file at all means every test;
 * `--no-broker` is the only flag of our own, all others go to `node --test`.
 */
export function parseTestArguments(args: string[]): TestArguments {
  const options = Object.fromEntries(withValue.map((name) => [name, { type: "string", multiple: true } as const]));
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  const parsed: TestArguments = { flags: [], files: [], broker: true };
  for (const token of tokens) {
    if (token.kind === "positional") parsed.files.push(toPattern(token.value));
    else if (token.kind === "option" && token.name === "no-broker") parsed.broker = false;
    else if (token.kind === "option") {
      parsed.flags.push(token.value === undefined ? token.rawName : `${token.rawName}=${token.value}`);
    }
  }
  if (parsed.files.length === 0) parsed.files.push(toPattern("test"));
  return parsed;
}

function toPattern(path: string): string {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isFolder ? `${path.replace(/\/$/, "")}/**/*.test.ts` : path;
}
