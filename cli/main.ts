import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addCheckCommand } from "./check.ts";
import { addDeadCommands } from "./dead.ts";
import { addPushCommand } from "./push.ts";
import { addRoleCommands } from "./roles.ts";

const program = new Command("wx-bridge")
  .description("A message-queue event bridge for WeChat accounts (公众号, 服务号, 视频号小店)")
  .version(version())
  .showHelpAfterError();
addRoleCommands(program);
addCheckCommand(program);
addPushCommand(program);
addDeadCommands(program);
await program.parseAsync();

/** Beside the sources, or one folder above the built files. */
function version(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as { version: string };
      return version;
    } catch {
      continue;
    }
  }
  return "unknown";
}
