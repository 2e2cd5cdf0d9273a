import { isUncarriable } from "../shared/bus/uncarriable.ts";
import { budgetLeft, numberOr } from "../shared/envelope.ts";
import { isFailure } from "../shared/failure.ts";
import { header } from "../shared/headers.ts";
import type { Logger } from "../shared/log.ts";
import { reasonOf } from "../shared/reason-of.ts";
import { nextTurn } from "../shared/turn.ts";
import { placeOf, pushOf, type ReadNext, type Spooled, type SpooledRow } from "./spool-table.ts";

/** Pushes published at a time. */
const BATCH = 100;

export interface RoundParts {
  readNext: ReadNext;
  /** Places of all that is on disk. */
  places: () => Iterable<string>;
  /** Publishes one push; rejects when the broker does not hold it. */
  publish: (push: Spooled) => Promise<unknown>;
  /** The broker holds it now. */
  onPublished: (row: SpooledRow) => void;
  /** Whether it was published before and could not be deleted. */
  isPublished: (row: SpooledRow) => boolean;
  /** Whether there is no use in going on. */
  isOver: () => boolean;
  log: Logger;
}

/** One go through what is on disk. */
interface Round {
  /** Users and places of what was not held: what else is theirs waits for the next round. */
  stuck: Set<string>;
  published: number;
  /** How often the broker said no. */
  refused: number;
}

/**
 * A round publishes batch after batch until nothing is left or the broker takes nothing. What a queue refuses stays, and
 * what else is to go there; the rest is not kept waiting by it. Resolves with whether all that was tried was refused;
 * rejects when the disk cannot be read or `afterBatch` rejects.
 */
export function createRounds(parts: RoundParts): (afterBatch: () => Promise<void>) => Promise<boolean> {
  const { readNext, places, publish, onPublished, isPublished, isOver, log } = parts;
  /** Where the last push of all that went there was not held: the next one goes alone. */
  const refusing = new Set<string>();

  async function runRound(afterBatch: () => Promise<void>): Promise<boolean> {
    const round: Round = { stuck: new Set(), published: 0, refused: 0 };
    /** Pushes in a row to which the broker said no word. Of large ones few are read together, which may all be a silent queue's. */
    let unheard = 0;
    for (let last = 0; ;) {
      const read = readNext(last, BATCH);
      const rows = untilUserMoves(read.rows);
      const left = rows.filter((row) => !isPublished(row) && !isStuck(row, round));
      unheard = (await publishBatch(left, round)) ? 0 : unheard + left.length;
      await afterBatch();
      const isAllStuck = [...places()].every((place) => round.stuck.has(place)); // the rest need not be read
      if (read.isLast && rows.length === read.rows.length) break;
      if (unheard >= BATCH || isAllStuck || isOver()) break;
      last = rows.at(-1)?.seq ?? last;
      await nextTurn(); // a batch of which nothing is tried waits for nothing else
    }
    return round.refused > 0 && round.published === 0;
  }

  /** Tells whether the broker said a word to any. */
  async function publishBatch(rows: SpooledRow[], round: Round): Promise<boolean> {
    const said = round.published + round.refused;
    await Promise.all([...Map.groupBy(rows, placeOfRow)].map(([place, own]) => publishTo(place, own, round)));
    return round.published + round.refused > said;
  }

  /**
   * Users side by side, each one's pushes in order. Where the last one was not held, one goes first: each try that a queue
   * refuses leaves copies in those that do not.
   */
  async function publishTo(place: string, rows: SpooledRow[], round: Round): Promise<void> {
    if (refusing.has(place)) await publishInOrder(rows.splice(0, 1), round);
    if (round.stuck.has(place)) return;
    refusing.delete(place);
    const others = rows.filter(({ user }) => !round.stuck.has(user));
    await Promise.all([...Map.groupBy(others, ({ user }) => user).values()].map((own) => publishInOrder(own, round)));
  }

  async function publishInOrder(rows: SpooledRow[], round: Round): Promise<void> {
    for (const row of rows) {
      if (isOver()) return void round.stuck.add(row.user); // it may be over for a moment only
      try {
        await publish(withBudgetLeft(pushOf(row)));
      } catch (error) {
        return leave(row, error, round);
      }
      round.published++;
      onPublished(row);
    }
  }

  /** Told once a round for each place, whose other pushes wait as well, unless it is this one that AMQP cannot carry. */
  function leave(row: SpooledRow, error: unknown, round: Round): void {
    const place = placeOfRow(row);
    if (isFailure(error, "NACKED")) round.refused++;
    if (!round.stuck.has(place)) {
      const { properties } = pushOf(row).message;
      log.warn({ identity: properties.messageId, service: row.service, reason: reasonOf(error) }, "still spooled");
    }
    round.stuck.add(row.user);
    if (isUncarriable(error)) return;
    round.stuck.add(place);
    refusing.add(place);
  }

  return runRound;
}

/** It was spooled a while ago; clocks may differ, and then the budget is what tells consumers that it is over. */
function withBudgetLeft({ message, ...push }: Spooled): Spooled {
  const { headers } = message.properties;
  if (headers?.[header.budget] === undefined) return { ...push, message };
  const left = { [header.budget]: budgetLeft(numberOr(headers[header.deadline], 0)) };
  return { ...push, message: { ...message, properties: { ...message.properties, headers: { ...headers, ...left } } } };
}

/** Places are published to side by side: a user's pushes to another place than before begin the next batch. */
function untilUserMoves(rows: SpooledRow[]): SpooledRow[] {
  const places = new Map<string, string>();
  const end = rows.findIndex((row) => {
    const place = placeOfRow(row);
    const before = places.get(row.user) ?? place;
    places.set(row.user, place);
    return before !== place;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

/** Where the push of a row goes. */
export function placeOfRow({ exchange, routing_key }: SpooledRow): string {
  return placeOf(exchange, routing_key);
}

function isStuck(row: SpooledRow, { stuck }: Round): boolean {
  return stuck.has(row.user) || stuck.has(placeOfRow(row));
}
