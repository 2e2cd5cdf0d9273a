import { PassingSet } from "../passing-map.ts";
import type { ConsumeOptions, Delivery, OutgoingMessage, StartingConsumer } from "./bus.ts";
import { createDrain } from "./drain.ts";
import { throwIfGone } from "./gone.ts";
import type { Journaled } from "./journal.ts";
import { ReadyList, type Placed } from "./ready-list.ts";
import { RoundRobin, type WithRoom } from "./round-robin.ts";
import type { Arguments } from "./topology.ts";

/** A message that is to come into a queue, and is in the journal already if the queue is kept there. */
export interface Noted {
  /** Its number in the journal; undefined when the queue is in memory only. */
  readonly entry: number | undefined;
  message: OutgoingMessage;
  /** When it dead-letters, by `performance.now()`, which a clock that is set does not change; Infinity without a TTL. */
  expiresAt: number;
}

interface Stored extends Noted, Placed {
  redelivered: boolean;
}

interface Subscription extends WithRoom {
  closed: boolean;
  inFlight: PassingSet<Stored>;
  onDelivery: (delivery: Delivery) => void;
}

/**
 * What is delivered, or dead-lettered, before everything else has its turn: consumers may end their deliveries at once, and
 * large messages take long to be looked through and written to disk.
 */
const MOST_AT_ONCE = 256;
const BYTES_AT_ONCE = 1024 * 1024;

/** Milliseconds until a delivery comes again whose ack the disk has not taken: it may be full for long. */
const ACK_AGAIN = 10_000;

/** Where a queue's dead letters go, and what is noted when a message comes and when it leaves for good. */
interface Surroundings {
  deadLetter(message: OutgoingMessage): void;
  /** Tells the message's number in the journal, when there is one. It is to dead-letter after `ttl` ms. */
  entered(message: OutgoingMessage, ttl: number): number | undefined;
  left(message: OutgoingMessage, entry: number | undefined): void;
  /** It was acked. */
  ended(message: OutgoingMessage, entry: number | undefined): void;
  /** Resolves when a message that is about to be acked is not on disk any more; rejects when it still is. */
  forgotten(entry: number | undefined): Promise<void>;
}

/**
 * A queue of the in-process bus with AMQP's rules: first in first out, round robin between consumers within their
 * prefetch or all to the first one (`x-single-active-consumer`), TTL from the head, maximum length with `drop-head` or
 * `reject-publish`, dead-lettering.
 */
export class MemoryQueue {
  readonly #arguments: Arguments;
  readonly #surroundings: Surroundings;
  readonly #ready = new ReadyList<Stored>();
  readonly #subscriptions: RoundRobin<Subscription>;
  readonly #drain = createDrain(() => this.#deliverSome());
  #places = 0;
  #closed = false;
  #expiry: NodeJS.Timeout | undefined;

  constructor(args: Arguments, surroundings: Surroundings) {
    this.#arguments = args;
    this.#surroundings = surroundings;
    this.#subscriptions = new RoundRobin({ onlyFirst: args["x-single-active-consumer"] === true });
  }

  get depth(): number {
    return this.#ready.length;
  }

  get #ttl(): number {
    const ttl = this.#arguments["x-message-ttl"];
    return typeof ttl === "number" ? ttl : Number.POSITIVE_INFINITY;
  }

  /** Whether a publish would be refused for the queue's length. */
  get isFull(): boolean {
    const limit = this.#arguments["x-max-length"];
    return this.#arguments["x-overflow"] === "reject-publish" && typeof limit === "number" && this.depth >= limit;
  }

  /** Notes a message down. It is in the queue, and delivered, only when it is put there. */
  note(message: OutgoingMessage): Noted {
    const ttl = this.#ttl;
    return { entry: this.#surroundings.entered(message, ttl), message, expiresAt: performance.now() + ttl };
  }

  put(noted: Noted): void {
    this.#append(noted, false);
  }

  /** Puts back what the queue held when the process before this one ended, for its TTL at most: clocks may have been set. */
  restore({ seq, message, expiresAt }: Journaled): void {
    const left = Math.min(expiresAt - Date.now(), this.#ttl);
    this.#append({ entry: seq, message, expiresAt: performance.now() + left }, true);
  }

  #append({ entry, message, expiresAt }: Noted, redelivered: boolean): void {
    if (this.#closed) return; // what is on disk stays there
    this.#ready.append({ entry, place: this.#places++, message, redelivered, expiresAt });
    this.#dropHead();
    this.#scheduleDrain();
    this.#scheduleExpiry();
  }

  subscribe({ prefetch }: ConsumeOptions, onDelivery: (delivery: Delivery) => void): StartingConsumer {
    const subscription: Subscription = { room: prefetch, closed: false, inFlight: new PassingSet(), onDelivery };
    this.#subscriptions.add(subscription);
    this.#scheduleDrain();
    const cancel = async (): Promise<void> => this.#subscriptions.remove(subscription);
    return {
      started: async () => {},
      cancel,
      close: async () => {
        await cancel();
        subscription.closed = true;
        for (const stored of [...subscription.inFlight].toReversed()) this.#settle(subscription, stored, "requeue");
      },
    };
  }

  /** Forgets every message and stops its timer; those in flight cannot come back any more. */
  close(): void {
    this.#closed = true;
    this.#subscriptions.clear();
    clearTimeout(this.#expiry);
    for (let stored = this.#ready.shift(); stored !== undefined; stored = this.#ready.shift()) {
      this.#surroundings.left(stored.message, undefined); // what is on disk stays there
    }
  }

  #scheduleDrain(): void {
    if (this.depth > 0 && this.#subscriptions.size > 0) this.#drain();
  }

  /** Delivers until there is nothing left, no room, or others are due; tells whether it came to an end. */
  #deliverSome(): boolean {
    if (!this.#expire()) return false;
    for (let i = 0, bytes = 0; i < MOST_AT_ONCE && bytes < BYTES_AT_ONCE; i++) {
      if (this.depth === 0) return true; // before it is somebody's turn for nothing
      const subscription = this.#subscriptions.next();
      if (subscription === undefined) return true;
      const stored = this.#ready.shift() as Stored;
      bytes += stored.message.body.length;
      this.#deliver(subscription, stored);
    }
    return false;
  }

  #deliver(subscription: Subscription, stored: Stored): void {
    subscription.room--;
    subscription.inFlight.add(stored);
    const { exchange, routingKey, body, properties } = stored.message;
    subscription.onDelivery({
      exchange,
      routingKey,
      body,
      // Each consumer may change its own; those of other queues stay as they were.
      properties: { ...properties, ...(properties.headers && { headers: { ...properties.headers } }) },
      redelivered: stored.redelivered,
      isGone: () => subscription.closed,
      ack: () => this.#settle(subscription, stored, "ack"),
      acked: () => this.#acked(subscription, stored),
      requeue: () => this.#settle(subscription, stored, "requeue"),
      reject: () => this.#settle(subscription, stored, "reject"),
    });
  }

  #settle(subscription: Subscription, stored: Stored, end: "ack" | "acked" | "requeue" | "reject"): void {
    if (!subscription.inFlight.delete(stored)) return;
    subscription.room++;
    if (end === "requeue" && !this.#closed) {
      this.#ready.putBack({ ...stored, redelivered: true });
      clearTimeout(this.#expiry);
      this.#expiry = undefined;
      this.#scheduleExpiry();
    } else if (end === "ack") {
      this.#surroundings.ended(stored.message, stored.entry);
    } else {
      // What is given back to a closed queue stays on disk; what was acked and waited for is not there any more.
      this.#surroundings.left(stored.message, end === "reject" ? stored.entry : undefined);
      if (end === "reject") this.#deadLetter(stored.message);
    }
    this.#scheduleDrain();
  }

  async #acked(subscription: Subscription, stored: Stored): Promise<void> {
    throwIfGone({ isGone: () => subscription.closed });
    if (!subscription.inFlight.has(stored)) return;
    try {
      await this.#surroundings.forgotten(stored.entry);
    } catch (error) {
      setTimeout(() => this.#settle(subscription, stored, "requeue"), ACK_AGAIN).unref();
      throw error;
    }
    this.#settle(subscription, stored, "acked");
  }

  #deadLetter(message: OutgoingMessage): void {
    const exchange = this.#arguments["x-dead-letter-exchange"];
    if (typeof exchange !== "string") return;
    const routingKey = this.#arguments["x-dead-letter-routing-key"];
    this.#surroundings.deadLetter({
      ...message,
      exchange,
      routingKey: typeof routingKey === "string" ? routingKey : message.routingKey,
    });
  }

  #dropFirst(): OutgoingMessage {
    const { message, entry } = this.#ready.shift() as Stored;
    this.#surroundings.left(message, entry);
    this.#deadLetter(message);
    return message;
  }

  #dropHead(): void {
    const limit = this.#arguments["x-max-length"];
    if (this.#arguments["x-overflow"] === "reject-publish" || typeof limit !== "number") return;
    while (this.depth > limit) this.#dropFirst();
  }

  /** Tells whether nothing is left whose time is over; the rest goes in the next turns. */
  #expire(): boolean {
    const now = performance.now();
    const isDue = (): boolean => (this.#ready.first?.expiresAt ?? Number.POSITIVE_INFINITY) <= now;
    for (let i = 0, bytes = 0; isDue() && i < MOST_AT_ONCE && bytes < BYTES_AT_ONCE; i++) {
      bytes += this.#dropFirst().body.length;
    }
    this.#scheduleExpiry();
    return !isDue();
  }

  /** One timer for the head: all messages of a queue live equally long, so none behind it expires earlier. */
  #scheduleExpiry(): void {
    if (this.#expiry !== undefined) return;
    const { expiresAt = Number.POSITIVE_INFINITY } = this.#ready.first ?? {};
    if (expiresAt === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(expiresAt - performance.now(), 0), 2 ** 31 - 1);
    this.#expiry = setTimeout(() => {
      this.#expiry = undefined;
      this.#expire();
    }, wait);
    this.#expiry.unref();
  }
}
