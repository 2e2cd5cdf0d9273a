import { type Command, Option } from "commander";
import { loadConfig } from "../shared/config/load.ts";
import { reportConfigError } from "./fail.ts";

/** `check`: every fault and every warning of a config file, each with its path; exit code 1 when there is a fault. */
export function addCheckCommand(program: Command): void {
  program
    .command("check")
    .description("checks a config file and prints every fault with its path")
    .argument("[file]", "the config file (default: CONF_FILE)")
    .addOption(new Option("-c, --config <file>", "the same, as an option").env("CONF_FILE"))
    .action(async (file: string | undefined, options: { config?: string }) => check(file || options.config));
}

async function check(file: string | undefined): Promise<void> {
  const { config, warnings } = await loadConfig(process.env, file).catch(reportConfigError);
  for (const warning of warnings) console.log(`warning: ${warning}`);
  console.log(`The config is good: ${config.accounts.length} service(s).`);
  for (const { name, servicePath, delivery, msgProxyPass } of config.accounts) {
    console.log(`  ${name}: ${servicePath} -> ${delivery}${msgProxyPass ? ` ${withoutSecrets(msgProxyPass)}` : ""}`);
  }
}

/** Backends may be given as `http://user:password@host/path?key=…`. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
