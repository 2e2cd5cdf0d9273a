/** A message that waits in a queue of the in-process bus. */
export interface Placed {
  /** Counts up as messages come; one that is put back keeps its own. */
  readonly place: number;
}

/** First in, first out, but for what is put back. Taking the first one costs the same however many wait. */
export class ReadyList<T extends Placed> {
  #items: (T | undefined)[] = [];
  /** Index of the first one: shifting an array of many would cost its length each time. */
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  append(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** In front of all that came after it: near the head. */
  putBack(item: T): void {
    let index = this.#head;
    while (index < this.#items.length && (this.#items[index] as T).place < item.place) index++;
    if (index === this.#head && index > 0) this.#items[--this.#head] = item;
    else this.#items.splice(index, 0, item);
  }
}
