import { ConfigError } from "../shared/config/config-error.ts";
import { isFailure } from "../shared/failure.ts";

/** Ends the process with a message on stderr and exit code 1. */
export function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Ends the process over a config that cannot be used, with all its faults and warnings; any other error is thrown on. */
export function reportConfigError(error: unknown): never {
  if (!isFailure(error, "CONFIG_INVALID")) throw error;
  if (!(error instanceof ConfigError)) return fail(error.message);
  const { faults, warnings } = error;
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  const lines = [...faults, ...warnings.map((warning) => `warning: ${warning}`)];
  return fail(`The config cannot be used (${count}):\n${lines.map((line) => `  ${line}`).join("\n")}`);
}
