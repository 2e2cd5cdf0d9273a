import type { DatabaseSync } from "node:sqlite";
import { readJournal, usePrefix, type Journaled } from "../shared/bus/journal.ts";
import type { Names } from "../shared/bus/names.ts";
import { header } from "../shared/headers.ts";
import { insertSpooled, pushOf, readSpool, type Spooled } from "./spool-table.ts";

/** How much is moved at a time: while it is read and written, nothing else has its turn. */
const STEP_ROWS = 500;
const STEP_BYTES = 1024 * 1024;

/** The last row of each table; 0 for none. */
export interface Place {
  journal: number;
  spool: number;
}

/** The next pushes to be moved out of a database, and where they end. */
export interface Step {
  pushes: Spooled[];
  last: Place;
}

/** The first of what a process has left in its database, as many as are moved at a time; none when nothing is left. */
export function readStep(database: DatabaseSync, names: Names): Step {
  const step: Step = { pushes: [], last: { journal: 0, spool: 0 } };
  let bytes = 0;
  for (const { push, place } of readLeftBehind(database, names)) {
    step.pushes.push(push);
    step.last = place;
    bytes += push.message.body.length;
    if (step.pushes.length === STEP_ROWS || bytes >= STEP_BYTES) break;
  }
  return step;
}

/** What a process's in-process bus held, and then its spool, oldest first. */
function* readLeftBehind(database: DatabaseSync, names: Names): Generator<{ push: Spooled; place: Place }> {
  let journal = 0;
  for (const journaled of readJournal(database)) {
    journal = journaled.seq;
    yield { push: fromJournal(journaled, names), place: { journal, spool: 0 } };
  }
  for (const row of readSpool(database)) yield { push: pushOf(row), place: { journal, spool: row.seq } };
}

/** Deletes everything up to `last`. */
export function deleteLeftBehind(database: DatabaseSync, last: Place): void {
  database.prepare("DELETE FROM journal WHERE seq <= ?").run(last.journal);
  database.prepare("DELETE FROM spool WHERE seq <= ?").run(last.spool);
}

/** Hands what an earlier in-process bus held to the spool of a gateway that is on RabbitMQ now. */
export function moveJournalToSpool(database: DatabaseSync, names: Names): void {
  database.exec("BEGIN IMMEDIATE");
  usePrefix(database, names.prefix);
  for (const each of readJournal(database)) insertSpooled(database, [fromJournal(each, names)]);
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
