/** Entries after which a new Map takes over: more often would cost copying, less often memory. */
const RENEW_AFTER = 200;
/** Entries more for each one that has to be copied. */
const ADDED_FOR_EACH = 1;

/**
 * A Map for entries that come and go all the time, such as what is in flight. V8 builds a Map's table anew as entries come
 * and go, and each table keeps what it held and the one after it: once one of them has grown old, all that passes through
 * the Map stays until V8 collects everything, and is copied on its way there. A new Map now and then ends such a chain.
 */
export class PassingMap<K, V> {
  #map = new Map<K, V>();
  #left = RENEW_AFTER;

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  set(key: K, value: V): void {
    if (this.#left-- === 0) {
      this.#map = new Map(this.#map);
      this.#left = RENEW_AFTER + this.#map.size * ADDED_FOR_EACH;
    }
    this.#map.set(key, value);
  }

  delete(key: K): boolean {
    return this.#map.delete(key);
  }

  /** Keys, first come first; they may be deleted on the way. */
  keys(): Iterable<K> {
    return this.#map.keys();
  }

  /** Keys with their values, first come first; they may be deleted on the way. */
  [Symbol.iterator](): Iterator<[K, V]> {
    return this.#map[Symbol.iterator]();
  }
}

/** A Set of this kind. */
export class PassingSet<T> {
  readonly #map = new PassingMap<T, true>();

  get size(): number {
    return this.#map.size;
  }

  add(value: T): void {
    this.#map.set(value, true);
  }

  has(value: T): boolean {
    return this.#map.get(value) === true;
  }

  delete(value: T): boolean {
    return this.#map.delete(value);
  }

  /** Values, first come first; they may be deleted on the way. */
  [Symbol.iterator](): Iterator<T> {
    return this.#map.keys()[Symbol.iterator]();
  }
}
