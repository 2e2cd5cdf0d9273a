import { DIGEST_WORDS, type Digest } from "../shared/digest-set.ts";
import type { Answer } from "./once.ts";

const MAX_ANSWERS = 100_000;
const SLAB_BYTES = 1024 * 1024;
const SLAB_RECORDS = 4096;
/** Chains of a slab, by the digest's first word. */
const CHAINS = 1024;
/** Words before the text of a record: the one before it in its chain, when it came (s), length of the text, the digest. */
const [PREVIOUS, CAME, LENGTH, DIGEST] = [0, 1, 2, 3];
const HEAD_WORDS = DIGEST + DIGEST_WORDS;
const WORD = Uint32Array.BYTES_PER_ELEMENT;
const NONE = 0xffffffff;

export interface RecentAnswersOptions {
  /** In s. */
  keptFor: number;
  maxBytes: number;
}

/**
 * How pushes were answered lately: the newest 100 000 at most, within `maxBytes`. Nearly every answer is put in and
 * never asked for, so they lie as JSON in slabs outside V8's heap: as objects they would all grow old, and be what makes
 * V8 collect its whole heap.
 */
export class RecentAnswers {
  readonly #keptFor: number;
  readonly #maxBytes: number;
  /** Oldest first. */
  #slabs: Slab[] = [];

  constructor({ keptFor, maxBytes }: RecentAnswersOptions) {
    this.#keptFor = keptFor;
    this.#maxBytes = maxBytes;
  }

  get(digest: Digest): Answer | undefined {
    const since = now() - this.#keptFor;
    for (let i = this.#slabs.length - 1; i >= 0; i--) {
      const text = (this.#slabs[i] as Slab).find(digest, since);
      if (text !== undefined) return JSON.parse(text) as Answer;
    }
    return undefined;
  }

  set(digest: Digest, answer: Answer): void {
    const text = JSON.stringify(answer);
    if (this.#slabs.at(-1)?.add(digest, text) !== true) this.#begin(text).add(digest, text);
  }

  /** A slab with room for `text`; the oldest ones go for it, and those in which nothing is valid any more. */
  #begin(text: string): Slab {
    const size = Math.max(SLAB_BYTES, HEAD_WORDS * WORD + Buffer.byteLength(text));
    const since = now() - this.#keptFor;
    let bytes = this.#slabs.reduce((sum, slab) => sum + slab.size, size);
    let records = this.#slabs.reduce((sum, slab) => sum + slab.records, SLAB_RECORDS);
    let spare: Slab | undefined;
    for (let oldest = this.#slabs[0]; oldest !== undefined; oldest = this.#slabs[0]) {
      if (bytes <= this.#maxBytes && records <= MAX_ANSWERS && oldest.newest >= since) break;
      bytes -= oldest.size;
      records -= oldest.records;
      spare = this.#slabs.shift();
    }
    const slab = spare?.size === size ? spare : new Slab(size);
    slab.clear();
    this.#slabs.push(slab);
    return slab;
  }
}

class Slab {
  readonly size: number;
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;
  readonly #chains = new Uint32Array(CHAINS);
  records = 0;
  /** Where the next record begins, in words. */
  #end = 0;
  /** When the newest record came, in s. */
  newest = 0;

  constructor(size: number) {
    const memory = new ArrayBuffer(Math.ceil(size / WORD) * WORD);
    this.size = size;
    this.#bytes = Buffer.from(memory);
    this.#words = new Uint32Array(memory);
  }

  clear(): void {
    this.#chains.fill(NONE);
    this.records = this.#end = 0;
  }

  /** False when there is no room for it. */
  add(digest: Digest, text: string): boolean {
    const at = this.#end;
    const textAt = (at + HEAD_WORDS) * WORD;
    if (this.records === SLAB_RECORDS || textAt + Buffer.byteLength(text) > this.size) return false;
    const length = this.#bytes.write(text, textAt);
    const chain = chainOf(digest);
    this.newest = now();
    this.#words[at + PREVIOUS] = this.#chains[chain] as number;
    this.#words[at + CAME] = this.newest;
    this.#words[at + LENGTH] = length;
    this.#words.set(digest, at + DIGEST);
    this.#chains[chain] = at;
    this.records++;
    this.#end = at + HEAD_WORDS + Math.ceil(length / WORD);
    return true;
  }

  /** The text added last for the digest, when it came at `since` or later. */
  find(digest: Digest, since: number): string | undefined {
    let at = this.#chains[chainOf(digest)] as number;
    while (at !== NONE && !this.#isFor(digest, at)) at = this.#words[at + PREVIOUS] as number;
    if (at === NONE || (this.#words[at + CAME] as number) < since) return undefined;
    const textAt = (at + HEAD_WORDS) * WORD;
    return this.#bytes.toString("utf8", textAt, textAt + (this.#words[at + LENGTH] as number));
  }

  #isFor(digest: Digest, at: number): boolean {
    return digest.every((word, i) => this.#words[at + DIGEST + i] === word);
  }
}

function chainOf(digest: Digest): number {
  return (digest[0] as number) % CHAINS;
}

function now(): number {
  return Math.floor(performance.now() / 1000);
}
