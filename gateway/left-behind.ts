import type { DatabaseSync } from "node:sqlite";
import { readJournal, type Journaled } from "../shared/bus/journal.ts";
import type { Names } from "../shared/bus/names.ts";
import { openidIn } from "../shared/envelope.ts";
import { header } from "../shared/headers.ts";
import type { Logger } from "../shared/log.ts";
import { reasonOf } from "../shared/reason-of.ts";
import { usePrefix } from "./names-on-disk.ts";
import { insertSpooled, pushOf, readSpool, spoolUser, type Spooled } from "./spool-table.ts";

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

/**
 * Readies what earlier starts left for a gateway that is on RabbitMQ now: it goes where that publishes, and the spool gets
 * what an in-process bus held. On a disk that does not take that it stays as it is, for the next start: what comes in
 * meanwhile is for the broker.
 */
export function readyForBroker(database: DatabaseSync, names: Names, log: Logger): void {
  try {
    database.exec("BEGIN IMMEDIATE");
    usePrefix(database, names.prefix);
    for (const each of readJournal(database)) insertSpooled(database, [fromJournal(each, names)]);
    database.exec("DELETE FROM journal; COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    log.error(
      { reason: reasonOf(error) },
      "what earlier starts left on disk cannot be readied: check data-dir's disk, then start again",
    );
  }
}

/**
 * A message goes back to the queue it was in; one that waited for a retry keeps the queue it is to return to. Those of a
 * dispatch queue are their users', whose live pushes then go behind them.
 */
function fromJournal({ queue, message }: Journaled, names: Names): Spooled {
  const named = message.properties.headers?.[header.service];
  const service = typeof named === "string" ? named : "";
  const way = names.isRetry(queue) ? { exchange: queue } : { exchange: "", routingKey: queue };
  const isDispatch = queue === names.dispatchOf(service) || queue === names.orderedOf(service);
  const user = isDispatch ? spoolUser(service, openidIn(message.body)) : queue;
  return { service, user, message: { ...message, ...way } };
}
