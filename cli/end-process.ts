/** Names of what a thread of Node's pool does: to look up a host's name, to read or write a file. */
const ofThreads = /^(GetAddrInfoReqWrap|GetNameInfoReqWrap|FSReq)/;

/** What a thread is about to end may take, in ms. */
const PATIENCE = 250;

/**
 * Ends the process with this code. `process.exit` waits for the threads of Node's pool, and nobody can break off what they
 * do: with no name server that answers, a lookup takes up to 20 s. Such a process ends by SIGTERM, which supervisors take
 * for a clean end, or with another code than 0 by SIGKILL, which they do not. Process 1 of a container cannot do that and
 * waits.
 */
export function endProcess(code: number): void {
  if (!isHeldUp()) process.exit(code);
  setTimeout(() => {
    if (isHeldUp()) {
      process.removeAllListeners("SIGTERM");
      process.kill(process.pid, code === 0 ? "SIGTERM" : "SIGKILL");
    }
    process.exit(code);
  }, PATIENCE);
}

function isHeldUp(): boolean {
  return process.getActiveResourcesInfo().some((name) => ofThreads.test(name));
}
