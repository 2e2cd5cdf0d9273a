import { hash } from "node:crypto";

/** Words of 32 bits of a digest. */
export const DIGEST_WORDS = 4;
const EMPTY = 0;
/** Entries whose memory is taken from the system for each one that comes: all of it is taken after 1 % of them. */
const TAKEN_AHEAD = 100;

/** 128 bits of a text's SHA-256: two texts share them with a chance of one in 10^32 at a million texts. */
export type Digest = Uint32Array;

/** The digest of a text. */
export function digestOf(text: string): Digest {
  const digest = hash("sha256", text, "binary"); // a Buffer would take twice the time
  const words = new Uint32Array(DIGEST_WORDS);
  for (let i = 0; i < DIGEST_WORDS; i++) words[i] = wordAt(digest, i * 4);
  return words;
}

function wordAt(text: string, at: number): number {
  let word = 0;
  for (let i = 3; i >= 0; i--) word = (word << 8) | text.charCodeAt(at + i); // as little-endian machines store it
  return word;
}

/** Remembers the last `capacity` digests, oldest out first, in memory that does not grow: 24 bytes an entry. */
export class DigestSet {
  readonly #capacity: number;
  /** Digests in the order they came, as a ring. */
  readonly #ring: Uint32Array;
  /** Open addressing with linear probing: positions in the ring, plus one; twice as many slots as entries. */
  readonly #slots: Uint32Array;
  #count = 0;
  #next = 0;
  /** Words of the ring whose memory is taken. */
  #taken = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#ring = new Uint32Array(capacity * DIGEST_WORDS);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(capacity * 2)));
  }

  get size(): number {
    return this.#count;
  }

  has(words: Digest): boolean {
    return this.#slots[this.#find(words)] !== EMPTY;
  }

  /** Adds a digest; true when the oldest one had to go for it. */
  add(words: Digest): boolean {
    if (this.#slots[this.#find(words)] !== EMPTY) return false;
    const overflows = this.#count === this.#capacity;
    if (overflows) this.#forget(this.#next);
    else this.#count++;
    if (this.#taken < this.#ring.length) this.#takeAhead();
    this.#ring.set(words, this.#next * DIGEST_WORDS);
    this.#slots[this.#find(words)] = this.#next + 1;
    this.#next = (this.#next + 1) % this.#capacity;
    return overflows;
  }

  /** Touched at the start, all of it at once would hold up the start; touched with each entry, the process would grow for hours. */
  #takeAhead(): void {
    const from = this.#taken;
    this.#taken += TAKEN_AHEAD * DIGEST_WORDS;
    this.#ring.fill(0, from, this.#taken);
  }

  /** The slot that holds the digest, or the empty one where it belongs. */
  #find(words: Digest): number {
    const mask = this.#slots.length - 1;
    let slot = (words[0] as number) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] as number;
      if (entry === EMPTY || this.#equals(entry - 1, words)) return slot;
    }
  }

  #equals(position: number, words: Digest): boolean {
    for (let i = 0; i < DIGEST_WORDS; i++) if (this.#ring[position * DIGEST_WORDS + i] !== words[i]) return false;
    return true;
  }

  /** Empties the slot of an entry and moves back those that had to go past it, so that probing stays unbroken. */
  #forget(position: number): void {
    const mask = this.#slots.length - 1;
    let hole = this.#find(this.#ring.subarray(position * DIGEST_WORDS, (position + 1) * DIGEST_WORDS));
    this.#slots[hole] = EMPTY;
    for (let slot = (hole + 1) & mask; this.#slots[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const moved = this.#slots[slot] as number;
      const home = (this.#ring[(moved - 1) * DIGEST_WORDS] as number) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      this.#slots[hole] = moved;
      this.#slots[slot] = EMPTY;
      hole = slot;
    }
  }
}
