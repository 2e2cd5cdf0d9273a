import type { DatabaseSync } from "node:sqlite";
import type { Store } from "../store/store.ts";
import type { OutgoingMessage, Properties } from "./bus.ts";

/** Table of the journal, for `openStore`: what the queues hold. */
export const journalSchema = `
  CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, queue TEXT NOT NULL, expires_at REAL, exchange TEXT NOT NULL,
    routing_key TEXT NOT NULL, properties TEXT NOT NULL, body BLOB NOT NULL
  )`;

/** A message of a queue, as it was when the process ended. */
export interface Journaled {
  seq: number;
  queue: string;
  /** Epoch ms; Infinity for one that does not expire. */
  expiresAt: number;
  message: OutgoingMessage;
}

/** A message as it lies in a table. */
export interface MessageRow {
  exchange: string;
  routing_key: string;
  properties: string;
  body: Uint8Array;
}

interface Row extends MessageRow {
  seq: number;
  queue: string;
  expires_at: number | null;
}

/** Keeps what the in-process bus holds on disk, so that deliveries and retries survive the process. */
export interface Journal {
  /** What `queue` held, oldest first. */
  load(queue: string): Journaled[];
  /** How many messages of `queue` are on disk. */
  depth(queue: string): number;
  /** Names of the retry queues that hold something. */
  retryQueues(): string[];
  /** Notes a message down and tells its number, under which it is crossed out. */
  add(queue: string, message: OutgoingMessage, expiresAt: number): number;
  /** Crosses out what has gone elsewhere, which is noted down there together with this. */
  remove(seq: number): void;
  /** Crosses out what is done with: should the disk not take that, again once it takes another one. */
  ack(seq: number): void;
  /** The same, once: resolves when it is on disk, and rejects when the disk fails. */
  acked(seq: number): Promise<void>;
  /** Resolves once everything noted so far is on disk; rejects when the disk fails. */
  written(): Promise<void>;
  /** Crosses out once more what a failing disk did not take: no other will come that would do so. */
  close(): void;
}

export function createJournal(store: Store): Journal {
  const { database } = store;
  let last = (database.prepare("SELECT MAX(seq) AS last FROM journal").get() as { last: number | null }).last ?? 0;
  const ofQueue = database.prepare("SELECT * FROM journal WHERE queue = ? ORDER BY seq");
  const count = database.prepare("SELECT COUNT(*) AS count FROM journal WHERE queue = ?");
  const retryQueues = database.prepare(
    "SELECT DISTINCT queue FROM journal WHERE exchange = queue AND queue GLOB '*.retry.*' AND expires_at IS NOT NULL",
  );
  const insert = database.prepare("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)");
  const remove = database.prepare("DELETE FROM journal WHERE seq = ?");
  let writing: Promise<void> = Promise.resolve();
  /** What is done with, and still on a disk that failed: no more than the bus held then, as nothing new comes in meanwhile. */
  const left = new Set<number>();

  /** A failed write is told to whoever waits for `written`, and to nobody else. */
  function write(change: () => void, onWritten?: () => void, onFailed = (): void => {}): Promise<void> {
    writing = store.write(change);
    writing.then(onWritten, onFailed);
    return writing;
  }

  function removeLeft(): void {
    if (left.size === 0) return;
    const seqs = [...left];
    left.clear();
    void write(
      () => seqs.forEach((seq) => remove.run(seq)),
      undefined,
      () => seqs.forEach((seq) => left.add(seq)),
    );
  }

  return {
    load(queue) {
      store.flush(); // what has just come for a queue that is declared now
      return (ofQueue.all(queue) as unknown as Row[]).map(journaledOf);
    },
    depth: (queue) => (count.get(queue) as { count: number }).count,
    retryQueues: () => (retryQueues.all() as unknown as { queue: string }[]).map(({ queue }) => queue),
    add(queue, { exchange, routingKey, properties, body }, expiresAt) {
      const seq = ++last;
      const expiry = Number.isFinite(expiresAt) ? expiresAt : null;
      void write(() => void insert.run(seq, queue, expiry, exchange, routingKey, JSON.stringify(properties), body));
      return seq;
    },
    remove: (seq) => void write(() => void remove.run(seq)),
    ack: (seq) =>
      void write(
        () => void remove.run(seq),
        removeLeft,
        () => void left.add(seq),
      ),
    acked: (seq) => write(() => void remove.run(seq), removeLeft),
    async written() {
      store.checkFolder();
      await writing;
    },
    close: removeLeft,
  };
}

/** Everything a journal holds, oldest first, read row by row; for a process that takes over what another one left. */
export function* readJournal(database: DatabaseSync): Generator<Journaled> {
  const rows = database.prepare("SELECT * FROM journal ORDER BY seq").iterate();
  for (const row of rows) yield journaledOf(row as unknown as Row);
}

function journaledOf({ seq, queue, expires_at, ...row }: Row): Journaled {
  return { seq, queue, expiresAt: expires_at ?? Number.POSITIVE_INFINITY, message: messageOf(row) };
}

/** Bytes below which Node lets bodies share memory; the others would only be there twice. */
const COPIED = Buffer.poolSize / 2;

/** The message that a row holds. */
export function messageOf({ exchange, routing_key, properties, body }: MessageRow): OutgoingMessage {
  return {
    exchange,
    routingKey: routing_key,
    body: body.length < COPIED ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length),
    properties: JSON.parse(properties) as Properties,
  };
}
