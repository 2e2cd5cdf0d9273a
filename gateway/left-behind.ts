import type { DatabaseSync } from "node:sqlite";
import { readJournal, type Journaled } from "../shared/bus/journal.ts";
import type { Names } from "../shared/bus/topology.ts";
import { header } from "../shared/headers.ts";
import { readSpool, type Spooled } from "./spool-table.ts";

/** Everything a process has left in its database: its spool, and what its in-process bus held. Oldest first. */
export function readLeftBehind(database: DatabaseSync, names: Names): Spooled[] {
  return [...readJournal(database).map((journaled) => fromJournal(journaled, names)), ...readSpool(database)];
}

/** Hands what an earlier in-process bus held to the spool of a gateway that is on RabbitMQ now. */
export function moveJournalToSpool(database: DatabaseSync, names: Names, insert: (push: Spooled) => void): void {
  const journaled = readJournal(database);
  if (journaled.length === 0) return;
  database.exec("BEGIN IMMEDIATE");
  for (const each of journaled) insert(fromJournal(each, names));
  database.exec("DELETE FROM journal; COMMIT");
}

/** A message goes back to the queue it was in; one that waited for a retry keeps the queue it is to return to. */
function fromJournal({ queue, message }: Journaled, names: Names): Spooled {
  const service = message.properties.headers?.[header.service];
  const way = names.isRetry(queue) ? { exchange: queue } : { exchange: "", routingKey: queue };
  return {
    service: typeof service === "string" ? service : "",
    user: queue,
    message: { ...message, ...way },
  };
}
