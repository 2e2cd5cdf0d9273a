import { spawn } from "node:child_process";

/** Ends a process group and removes a folder, if there is one, when the process that made it is gone, however it ended. */
export type Reaper = {
  /** Names the process group to kill, in place of the one named before; without one only the folder is removed. */
  watch: (group?: number) => void;
  /** Reaps now; resolves when the group is killed and the folder removed. */
  reap: () => Promise<void>;
};

const script = `
group=
while read -r line; do group=$line; done
if [ -n "$group" ]; then kill -KILL "-$group" 2>/dev/null; fi
rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
`;

/**
 * Starts a shell in a session of its own that waits for the end of its input. The kernel closes that input when this
 * process ends, so that a SIGKILL or a crash leaves nothing behind either. The shell does not keep this process alive.
 */
export function createReaper(folder = ""): Reaper {
  const shell = spawn("/bin/sh", ["-c", script, "reaper", folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    cwd: "/",
  });
  const gone = new Promise<void>((resolve, reject) => shell.once("exit", () => resolve()).once("error", reject));
  gone.catch(() => {});
  // A reaper that someone else ended is noticed by reap(), not by an unhandled EPIPE.
  shell.stdin.on("error", () => {});
  shell.unref();
  if ("unref" in shell.stdin && typeof shell.stdin.unref === "function") shell.stdin.unref();
  return {
    watch: (group) => void shell.stdin.write(`${group ?? ""}\n`),
    reap() {
      shell.ref();
      shell.stdin.end();
      return gone;
    },
  };
}
