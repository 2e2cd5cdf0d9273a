import { readFileSync } from "node:fs";
import { Command } from "commander";

type AddCommands = (program: Command) => void;

const addRoles = async (): Promise<AddCommands> => (await import("./roles.ts")).addRoleCommands;
/** Loaded when it is asked for: to load what all commands need takes longer than most of them run. */
const commands = new Map<string, () => Promise<AddCommands>>([
  ["start", addRoles],
  ["gateway", addRoles],
  ["dispatcher", addRoles],
  ["check", async () => (await import("./check.ts")).addCheckCommand],
  ["push", async () => (await import("./push.ts")).addPushCommand],
  ["dead", async () => (await import("./dead.ts")).addDeadCommands],
]);

const program = new Command("wx-bridge")
  .description("A message-queue event bridge for WeChat accounts (公众号, 服务号, 视频号小店)")
  .version(version())
  .showHelpAfterError();
const named = commands.get(process.argv[2] ?? "start");
for (const load of named ? [named] : new Set(commands.values())) (await load())(program);
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
