/** A consumer of a queue of the in-process bus. */
export interface WithRoom {
  /** How many more deliveries its prefetch allows. */
  room: number;
}

/** A queue's consumers: each in turn, or all for the first one as long as it is there (`x-single-active-consumer`). */
export class RoundRobin<T extends WithRoom> {
  readonly #onlyFirst: boolean;
  #consumers: T[] = [];
  /** Index of the consumer whose turn it is. */
  #turn = 0;

  constructor({ onlyFirst }: { onlyFirst: boolean }) {
    this.#onlyFirst = onlyFirst;
  }

  get size(): number {
    return this.#consumers.length;
  }

  add(consumer: T): void {
    this.#consumers.push(consumer);
  }

  remove(consumer: T): void {
    this.#consumers = this.#consumers.filter((other) => other !== consumer);
  }

  clear(): void {
    this.#consumers = [];
  }

  /** The first consumer from the one whose turn it is that may take one more; the one behind it is next. */
  next(): T | undefined {
    if (this.#onlyFirst) return this.#consumers.slice(0, 1).find((active) => active.room > 0);
    const count = this.#consumers.length;
    for (let i = 0; i < count; i++) {
      const index = (this.#turn + i) % count;
      const consumer = this.#consumers[index] as T;
      if (consumer.room === 0) continue;
      this.#turn = index + 1;
      return consumer;
    }
    return undefined;
  }
}
