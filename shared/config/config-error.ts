import { Failure } from "../failure.ts";

/** A config that cannot be used. `faults` and `warnings` start with the path of the setting and never hold a secret. */
export class ConfigError extends Failure {
  readonly faults: string[];
  /** What else was noticed: often the misspelt key that explains a missing one. */
  readonly warnings: string[];

  constructor(faults: string[], warnings: string[] = []) {
    super("CONFIG_INVALID", [...faults, ...warnings.map((warning) => `(warning) ${warning}`)].join("\n"));
    this.name = "ConfigError";
    this.faults = faults;
    this.warnings = warnings;
  }
}
