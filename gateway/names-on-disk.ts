import type { DatabaseSync } from "node:sqlite";
import { defaultPrefix } from "../shared/bus/names.ts";

/** Table for `openStore`: the prefix of all names in the database, unless it is the default. */
export const prefixSchema = "CREATE TABLE IF NOT EXISTS prefix (prefix TEXT NOT NULL)";

/**
 * Calls the bridge's exchanges and queues in a journal and a spool as they are called below `prefix`: `amqp.prefix` may
 * have been set, or changed, since they were filled. A consumer's queue keeps its name.
 */
export function usePrefix(database: DatabaseSync, prefix: string): void {
  const row = database.prepare("SELECT prefix FROM prefix").get() as { prefix: string } | undefined;
  const before = row?.prefix ?? defaultPrefix;
  if (before === prefix) return;
  // To a queue itself, or to a retry queue with the one to return to; else it is an event's routing key.
  const isQueue = `exchange = '' OR ${beginsWith("exchange", "'.retry.'")}`;
  const renames = `exchange = ${renamed("exchange")}, routing_key = iif(${isQueue}, ${renamed("routing_key")}, routing_key)`;
  database.exec("SAVEPOINT prefix; DELETE FROM prefix");
  database.prepare("INSERT INTO prefix VALUES (?)").run(prefix);
  database.prepare(`UPDATE journal SET queue = ${renamed("queue")}, ${renames}`).run({ before, prefix });
  database.prepare(`UPDATE spool SET ${renames}`).run({ before, prefix });
  database.exec("RELEASE prefix");
}

/** SQL for a name that begins with `:prefix` if it began with `:before`. */
function renamed(name: string): string {
  const after = `substr(${name}, length(:before) + 1)`;
  return `iif(${beginsWith(name, "'.'")}, :prefix || ${after}, ${name})`;
}

/** SQL for whether a name begins with `:before` and what comes `next`. */
function beginsWith(name: string, next: string): string {
  return `substr(${name}, 1, length(:before || ${next})) = :before || ${next}`;
}
