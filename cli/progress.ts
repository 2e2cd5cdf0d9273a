const EVERY = { terminal: 200, other: 5000 } as const;

/** Tells on stderr how far a long command has come: on one line of a terminal, else as a line now and then. */
export function createProgress(describe: () => string): { end(): void } {
  const { stderr } = process;
  const timer = setInterval(
    () => stderr.write(stderr.isTTY ? `\r\u001B[K${describe()}` : `${describe()}\n`),
    stderr.isTTY ? EVERY.terminal : EVERY.other,
  );
  return {
    end() {
      clearInterval(timer);
      if (stderr.isTTY) stderr.write("\r\u001B[K");
    },
  };
}
