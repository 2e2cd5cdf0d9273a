import { Failure } from "./failure.ts";

const settings = {
  public: { host: "listen-host", port: "LISTEN_PORT (listen-port)" },
  internal: { host: "internal-listen-host", port: "INTERNAL_LISTEN_PORT (internal-listen-port)" },
} as const;

type Listener = keyof typeof settings;

interface Address {
  host: string;
  port: number;
}

/**
 * For the rejections of a listener: what kept it from `host` and `port` becomes a `CONFIG_INVALID` that names the setting
 * and what to do. Errors of another kind are thrown on.
 */
export function explainListenError(listener: Listener, address: Address): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.syscall === undefined) throw error;
    throw new Failure("CONFIG_INVALID", wordsFor(error, listener, address), { cause: error });
  };
}

function wordsFor({ code }: NodeJS.ErrnoException, listener: Listener, { host, port }: Address): string {
  const setting = settings[listener];
  if (code === "EADDRINUSE") {
    return `port ${port} is in use: end the program that has it, or set ${setting.port} to another one`;
  }
  if (code === "EACCES") {
    return `port ${port} is not for this user (${code}): set ${setting.port} to 1024 or above, or grant the right to it`;
  }
  const advice = 'set it to an address of this machine such as "127.0.0.1", or to "" for all interfaces';
  return `${setting.host}: cannot listen on "${host}" (${code}); ${advice}`;
}
