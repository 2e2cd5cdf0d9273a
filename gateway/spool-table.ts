import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { OutgoingMessage } from "../shared/bus/bus.ts";
import { messageOf, type MessageRow } from "../shared/bus/journal.ts";

/** Table of the spool, for `openStore`. */
export const spoolSchema = `
  CREATE TABLE IF NOT EXISTS spool (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, service TEXT NOT NULL,
    exchange TEXT NOT NULL, routing_key TEXT NOT NULL, properties TEXT NOT NULL, body BLOB NOT NULL
  )`;

/** A push that the broker or the disk is to hold, and whose it is. */
export interface Spooled {
  service: string;
  /** Account and user: one user's pushes keep their order. */
  user: string;
  message: OutgoingMessage;
}

/** A push as it lies in the table. */
export interface SpooledRow extends MessageRow {
  seq: number;
  user: string;
  service: string;
}

/** Pushes of one user to one place, counted. */
interface Counted {
  user: string;
  place: string;
  count: number;
  size: number;
}

/** Longer than any openid. */
const MAX_USER = 100;

/** Names a user of an account. The spool keeps all of them in memory: one who is called by a whole body goes by its digest. */
export function spoolUser(service: string, FromUserName: string): string {
  return `${service}/${FromUserName.length <= MAX_USER ? FromUserName : hash("sha256", FromUserName, "base64url")}`;
}

/** How many pushes of each user there are, where to, and their bytes. */
export function usersOf(database: DatabaseSync): Counted[] {
  // Materialized, or SQLite sorts the bodies themselves, to group what it then takes the length of.
  const query = `
    WITH sizes AS MATERIALIZED (
      SELECT user, iif(exchange = '', routing_key, exchange) AS place, LENGTH(body) AS size FROM spool
    )
    SELECT user, place, COUNT(*) AS count, SUM(size) AS size FROM sizes GROUP BY user, place`;
  return database.prepare(query).all() as unknown as Counted[];
}

/** Where a push goes: what one queue there refuses is refused for all of them. */
export function placeOf(exchange: string, routingKey: string): string {
  return exchange || routingKey;
}

/** Puts pushes into the spool's table, in their order. */
export function insertSpooled(database: DatabaseSync, pushes: Iterable<Spooled>): void {
  const statement = database.prepare(
    "INSERT INTO spool (user, service, exchange, routing_key, properties, body) VALUES (?, ?, ?, ?, ?, ?)",
  );
  for (const { user, service, message } of pushes) {
    const { exchange, routingKey, properties, body } = message;
    statement.run(user, service, exchange, routingKey, JSON.stringify(properties), body);
  }
}

/** How many bytes are read at a time: while they are, nothing else has its turn. */
const READ_BYTES = 1024 * 1024;

/** Pushes that are read together, and whether others may follow. */
export interface Read {
  rows: SpooledRow[];
  isLast: boolean;
}

/** The pushes behind `seq`, oldest first, `count` at most, and fewer of large ones. */
export type ReadNext = (seq: number, count: number) => Read;

export function createReadNext(database: DatabaseSync): ReadNext {
  const statement = database.prepare("SELECT * FROM spool WHERE seq > ? ORDER BY seq LIMIT ?");
  return (seq, count) => {
    const rows: SpooledRow[] = [];
    let bytes = 0;
    for (const row of statement.iterate(seq, count) as Iterable<unknown> as Iterable<SpooledRow>) {
      rows.push(row);
      bytes += row.body.length;
      if (bytes >= READ_BYTES) return { rows, isLast: false };
    }
    return { rows, isLast: rows.length < count };
  };
}

export function deleteSpooled(database: DatabaseSync, seqs: readonly number[]): void {
  const statement = database.prepare("DELETE FROM spool WHERE seq = ?");
  for (const seq of seqs) statement.run(seq);
}

/** Every push of a spool, oldest first, read row by row. */
export function readSpool(database: DatabaseSync): Iterable<SpooledRow> {
  return database.prepare("SELECT * FROM spool ORDER BY seq").iterate() as Iterable<unknown> as Iterable<SpooledRow>;
}

/** The push that a row holds. */
export function pushOf({ user, service, ...row }: SpooledRow): Spooled {
  return { user, service, message: messageOf(row) };
}
