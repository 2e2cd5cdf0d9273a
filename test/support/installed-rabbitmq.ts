import { existsSync, globSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/**
 * The `sbin` folder of the RabbitMQ that is installed here; throws when there is none. Debian's own folder comes before
 * the PATH, where Debian has a `rabbitmq-server` that changes the user and so cannot be run by everyone.
 */
export function findRabbitmq(): string {
  const debian = globSync("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin");
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "rabbitmq-server"));
  const found = [...debian, ...onPath.filter(existsSync).map((file) => dirname(realpathSync(file)))].find(
    (folder) => existsSync(join(folder, "rabbitmq-server")) && existsSync(join(folder, "rabbitmqctl")),
  );
  if (!found) throw new Error("there is no rabbitmq-server on the PATH or in /usr/lib/rabbitmq");
  return found;
}
