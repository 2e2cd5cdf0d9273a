import type { Reply } from "../shared/reply.ts";
import type { Answer } from "./once.ts";

const KEPT_FOR = 60_000;
/** Bytes of either half. */
const HALF = 32 * 1024 * 1024;
/** What an entry takes beside its texts; estimated high, so that the bound holds. */
const ENTRY_BYTES = 600;

interface Kept {
  answer: Answer;
  until: number;
}

/**
 * How pushes were answered in the last 60 s, within 64 MiB. Nearly every answer is put in and never asked for, which is
 * why they lie in two Maps, of which the older goes when the younger is full or nothing in the older is valid any more:
 * a cache that keeps its entries in order does more for each of them, and its table grows to twice the size.
 */
export class RecentAnswers {
  #young = new Map<string, Kept>();
  #old = new Map<string, Kept>();
  #youngBytes = 0;
  #oldUntil = 0;

  get(identity: string): Answer | undefined {
    const kept = this.#young.get(identity) ?? this.#old.get(identity);
    return kept !== undefined && kept.until > performance.now() ? kept.answer : undefined;
  }

  set(identity: string, answer: Answer): void {
    const now = performance.now();
    const bytes = ENTRY_BYTES + 2 * (identity.length + lengthOf(answer.reply));
    if (this.#youngBytes + bytes > HALF || this.#oldUntil < now) this.#renew(now);
    this.#youngBytes += bytes;
    this.#young.set(identity, { answer, until: now + KEPT_FOR });
  }

  #renew(now: number): void {
    this.#old = this.#young;
    this.#oldUntil = now + KEPT_FOR;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}

function lengthOf(reply: Reply): number {
  return "msg" in reply ? reply.msg.length : reply.type === "news" ? JSON.stringify(reply.articles).length : 0;
}
