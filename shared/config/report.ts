import { ConfigError } from "./config-error.ts";

/** Gathers what is wrong with a config (`faults`) and what is doubtful (`warnings`), so that all is told at once. */
export class Report {
  readonly faults: string[] = [];
  readonly warnings: string[] = [];
  readonly #file: string;
  readonly #origins = new Map<string, string>();

  /** `file` is what a fault of the whole is said of. */
  constructor(file: string) {
    this.#file = file;
  }

  fault(path: string, text: string): void {
    this.faults.push(`${this.#nameOf(path)}: ${text}`);
  }

  warn(path: string, text: string): void {
    this.warnings.push(`${this.#nameOf(path)}: ${text}`);
  }

  /** The setting at `path` came from the environment: name the variable instead of the path. */
  cameFrom(variable: string, path: string): void {
    this.#origins.set(path, variable);
  }

  /** Throws a `ConfigError` when there is any fault. */
  throwFaults(): void {
    if (this.faults.length > 0) throw new ConfigError(this.faults, this.warnings);
  }

  #nameOf(path: string): string {
    for (const [setting, variable] of this.#origins) {
      if (path === setting || path.startsWith(`${setting}[`)) return variable + path.slice(setting.length);
    }
    return path === "" ? this.#file : path;
  }
}

/** The path of `key` (or of an array's index) inside `parent`, such as `services[0].wx-params.token`. */
export function pathOf(parent: string, key: string | number): string {
  if (typeof key === "number") return `${parent}[${key}]`;
  if (!/^[\w$-]+$/.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === "" ? key : `${parent}.${key}`;
}
