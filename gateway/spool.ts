import { Failure } from "../shared/failure.ts";
import type { Names } from "../shared/bus/names.ts";
import { within } from "../shared/bus/waiting.ts";
import type { Logger } from "../shared/log.ts";
import type { Metrics } from "../shared/metrics.ts";
import { reasonOf } from "../shared/reason-of.ts";
import type { Store } from "../shared/store/store.ts";
import { createAdoption } from "./adoption.ts";
import { createRounds, placeOfRow } from "./spool-round.ts";
import { createReadNext, deleteSpooled, insertSpooled, placeOf, usersOf, type Spooled } from "./spool-table.ts";

/** Bytes of pushes on disk. */
const MAX_BYTES = 1024 * 1024 * 1024;
/** Milliseconds from one round to the next. */
const RETRY_EVERY = 1000;
/** How often the spool rests when all that it tried was refused, each time for as long as `RETRY_EVERY`. */
const RESTS = 5;
/** Milliseconds that `close` waits for confirms. What a silent broker does not confirm is on disk. */
const CLOSE_TIMEOUT = 1000;

/** What becomes of a push that is to be spooled, as it is counted. */
export const spoolOutcomes = ["spooled", "published", "refused"] as const;

/** Keeps pushes on disk that the broker could not confirm, and publishes them when it can, oldest first. */
export interface Spool {
  /** Whether pushes of this user are still on disk: a live one then goes behind them. */
  holds(user: string): boolean;
  /** Resolves once the push is on disk. Throws `NOT_HELD` when the spool is full or the disk fails. */
  add(push: Spooled): Promise<void>;
  close(): Promise<void>;
}

export interface SpoolParts {
  store: Store;
  names: Names;
  /** Publishes one push; rejects when the broker does not hold it. */
  publish: (push: Spooled) => Promise<unknown>;
  /** Whether publishing is worth a try. */
  isReady: () => boolean;
  log: Logger;
  metrics: Metrics;
  maxBytes?: number;
}

export function createSpool({ store, names, publish, isReady, log, metrics, maxBytes = MAX_BYTES }: SpoolParts): Spool {
  const { database } = store;
  const users = new Map<string, number>();
  /** Pushes of each place. */
  const places = new Map<string, number>();
  let bytes = 0;
  let messages = 0;
  for (const { user, place, count, size } of usersOf(database)) tally(user, place, count, size);
  if (messages > 0) log.info({ messages }, "pushes are left on disk, publishing them");
  /** What the broker holds and the disk does still: not to be published again. */
  const published = new Set<number>();
  const runRound = createRounds({
    readNext: createReadNext(database),
    places: () => places.keys(),
    publish,
    onPublished(row) {
      published.add(row.seq);
      tally(row.user, placeOfRow(row), -1, -row.body.length);
      metrics.spool.inc({ service: row.service, outcome: "published" });
    },
    isPublished: ({ seq }) => published.has(seq),
    isOver: () => closed || !isReady(),
    log,
  });
  let rests = 0;
  /** Whether the last push could not be written: a full disk is told once. */
  let isDiskFull = false;
  let closed = false;
  let draining: Promise<void> | undefined;
  const timer = setInterval(drain, RETRY_EVERY);
  const adoption = createAdoption({
    store,
    names,
    onMoved: ({ user, message }) => tally(user, placeOf(message.exchange, message.routingKey), 1, message.body.length),
    log,
  });

  function tally(user: string, place: string, more: number, size: number): void {
    countIn(users, user, more);
    countIn(places, place, more);
    messages += more;
    bytes += size;
    metrics.spoolMessages.set(messages);
  }

  async function add(push: Spooled): Promise<void> {
    const { message, service, user } = push;
    const size = message.body.length;
    const place = placeOf(message.exchange, message.routingKey);
    if (bytes + size > maxBytes) throw refused(service, "the spool is full");
    tally(user, place, 1, size);
    try {
      store.checkFolder();
      await store.write((db) => insertSpooled(db, [push]));
    } catch (error) {
      tally(user, place, -1, -size);
      if (!isDiskFull) log.error({ reason: reasonOf(error) }, "the spool cannot be written: check data-dir's disk");
      isDiskFull = true;
      throw refused(service, "the spool cannot be written");
    }
    isDiskFull = false;
    metrics.spool.inc({ service, outcome: "spooled" });
  }

  function refused(service: string, reason: string): Failure {
    metrics.spool.inc({ service, outcome: "refused" });
    return new Failure("NOT_HELD", reason);
  }

  function drain(): void {
    if (draining || (messages === 0 && published.size === 0) || !isReady()) return;
    if (rests > 0) return void rests--;
    draining = publishAll()
      .catch((error: unknown) => log.error({ reason: reasonOf(error) }, "the spool could not be read"))
      .finally(() => (draining = undefined));
  }

  async function publishAll(): Promise<void> {
    let isDiskWell = await forget();
    const isAllRefused = await runRound(async () => void (isDiskWell &&= await forget())); // a failing disk is told once
    rests = isAllRefused ? RESTS : 0;
  }

  /** Deletes what is published; false when a failing disk does not: then it stays, and is deleted another time. */
  async function forget(): Promise<boolean> {
    const seqs = [...published];
    if (seqs.length === 0) return true;
    try {
      await store.write((db) => deleteSpooled(db, seqs));
    } catch (error) {
      log.error({ reason: reasonOf(error) }, "what is published cannot be deleted: check data-dir's disk");
      return false;
    }
    for (const seq of seqs) published.delete(seq);
    return true;
  }

  return {
    holds: (user) => users.has(user),
    add,
    async close() {
      closed = true;
      clearInterval(timer);
      await Promise.all([draining && within(CLOSE_TIMEOUT, draining).catch(() => {}), adoption.close()]);
      await forget(); // what was published beside one that is not confirmed
    },
  };
}

function countIn(counts: Map<string, number>, name: string, more: number): void {
  const sum = (counts.get(name) ?? 0) + more;
  if (sum > 0) counts.set(name, sum);
  else counts.delete(name);
}
