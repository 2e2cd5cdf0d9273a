import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Closing } from "../../test/support/loopback-server.ts";

/** A process of the harness's own, which no fault touches and which ends with the harness, however that ends. */
export interface Program<News> {
  readonly port: number;
  /** What it told last. */
  readonly news: Partial<News>;
  /** Says that it has done enough; what that means is the program's own affair. */
  tellEnough(): void;
}

/** Starts `processes/<name>.ts` with one argument; `onEnd` hears of an end that nobody asked for. */
export async function startProgram<News>(
  stage: Closing,
  name: string,
  argument: string,
  onEnd: (reason: string) => void,
): Promise<Program<News>> {
  const file = join(import.meta.dirname, "processes", `${name}.ts`);
  const child = fork(file, [argument], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  let news: Partial<News> = {};
  let closing = false;
  stage.after(async () => {
    closing = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  });
  child.on("exit", (code, signal) => closing || onEnd(`${name} ended unasked (${signal ?? code})`));
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  child.on("message", (message) => (news = message as News));
  return {
    port,
    get news() {
      return news;
    },
    tellEnough: () => void child.send("enough"),
  };
}
