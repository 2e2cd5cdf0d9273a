import { PassingSet } from "../passing-map.ts";
import type { Consumer, ConsumeOptions, Delivery, OutgoingMessage } from "./bus.ts";
import type { Journaled } from "./journal.ts";
import type { Arguments } from "./topology.ts";

interface Stored {
  /** Its number in the journal; undefined when the queue is in memory only. */
  readonly entry: number | undefined;
  /** Its place in the queue, which a requeue gives back to it. */
  readonly place: number;
  message: OutgoingMessage;
  redelivered: boolean;
  /** When it dead-letters, epoch ms; Infinity without a TTL. */
  expiresAt: number;
}

interface Subscription {
  room: number;
  closed: boolean;
  inFlight: PassingSet<Stored>;
  onDelivery: (delivery: Delivery) => void;
}

/** Consumers that end their deliveries at once are not to keep the process from everything else. */
const DRAIN_AT_ONCE = 256;

/** Where a queue's dead letters go, and what is noted when a message comes and when it leaves for good. */
interface Surroundings {
  deadLetter(message: OutgoingMessage): void;
  /** Tells the message's number in the journal, when there is one. */
  entered(message: OutgoingMessage, expiresAt: number): number | undefined;
  left(message: OutgoingMessage, entry: number | undefined): void;
}

/**
 * A queue of the in-process bus with AMQP's rules: first in first out, round robin between consumers within their
 * prefetch or all to the first one (`x-single-active-consumer`), TTL from the head, maximum length with `drop-head` or
 * `reject-publish`, dead-lettering.
 */
export class MemoryQueue {
  readonly #arguments: Arguments;
  readonly #surroundings: Surroundings;
  #ready: Stored[] = [];
  /** Index of the first message in #ready: shifting an array of many would cost its length each time. */
  #head = 0;
  #subscriptions: Subscription[] = [];
  /** Index of the consumer whose turn it is. */
  #turn = 0;
  #places = 0;
  #drainScheduled = false;
  #drainedInTurn = false;
  #closed = false;
  #expiry: NodeJS.Timeout | undefined;

  constructor(args: Arguments, surroundings: Surroundings) {
    this.#arguments = args;
    this.#surroundings = surroundings;
  }

  get depth(): number {
    return this.#ready.length - this.#head;
  }

  /** Whether a publish would be refused for the queue's length. */
  get isFull(): boolean {
    const limit = this.#arguments["x-max-length"];
    return this.#arguments["x-overflow"] === "reject-publish" && typeof limit === "number" && this.depth >= limit;
  }

  push(message: OutgoingMessage): void {
    const ttl = this.#arguments["x-message-ttl"];
    const expiresAt = typeof ttl === "number" ? Date.now() + ttl : Number.POSITIVE_INFINITY;
    const entry = this.#surroundings.entered(message, expiresAt);
    this.#append({ entry, place: this.#places++, message, redelivered: false, expiresAt });
  }

  /** Puts back what the queue held when the process before this one ended. */
  restore({ seq, message, expiresAt }: Journaled): void {
    this.#append({ entry: seq, place: this.#places++, message, redelivered: true, expiresAt });
  }

  #append(stored: Stored): void {
    this.#ready.push(stored);
    this.#dropHead();
    this.#scheduleDrain();
    this.#scheduleExpiry();
  }

  subscribe({ prefetch }: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Consumer {
    const subscription: Subscription = { room: prefetch, closed: false, inFlight: new PassingSet(), onDelivery };
    this.#subscriptions.push(subscription);
    this.#scheduleDrain();
    const cancel = async (): Promise<void> => {
      this.#subscriptions = this.#subscriptions.filter((other) => other !== subscription);
    };
    return {
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
    this.#subscriptions = [];
    clearTimeout(this.#expiry);
    for (let stored = this.#shift(); stored !== undefined; stored = this.#shift()) {
      this.#surroundings.left(stored.message, undefined); // what is on disk stays there
    }
  }

  /**
   * Never inside the publish or the ack that calls for it, but once all that runs now has run: what one step brings is
   * delivered together, and each turn of the event loop that a message does not wait for lets the next one bring more.
   * Only the first time in a turn, so that consumers who publish or give back do not keep everything else from going on.
   */
  #scheduleDrain(): void {
    if (this.#drainScheduled || this.depth === 0 || this.#subscriptions.length === 0) return;
    this.#drainScheduled = true;
    const drain = (): void => {
      const isDone = this.#drain(); // acks on the way make room for this drain, not for another one
      this.#drainScheduled = false;
      if (!isDone) this.#scheduleDrain();
    };
    if (this.#drainedInTurn) return void setImmediate(drain);
    this.#drainedInTurn = true;
    setImmediate(() => (this.#drainedInTurn = false));
    process.nextTick(drain);
  }

  /** Delivers until there is nothing left, no room, or others are due; tells whether it came to an end. */
  #drain(): boolean {
    this.#expire();
    for (let i = 0; i < DRAIN_AT_ONCE; i++) {
      const subscription = this.#nextWithRoom();
      const stored = subscription && this.#shift();
      if (stored === undefined) return true;
      this.#deliver(subscription as Subscription, stored);
    }
    return false;
  }

  /** The first consumer from the one whose turn it is that may take one more; the one behind it is next. */
  #nextWithRoom(): Subscription | undefined {
    if (this.#arguments["x-single-active-consumer"] === true) {
      return this.#subscriptions.slice(0, 1).find((active) => active.room > 0);
    }
    const count = this.#subscriptions.length;
    for (let i = 0; i < count; i++) {
      const index = (this.#turn + i) % count;
      const subscription = this.#subscriptions[index] as Subscription;
      if (subscription.room === 0) continue;
      this.#turn = index + 1;
      return subscription;
    }
    return undefined;
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
      acked: async () => this.#settle(subscription, stored, "ack"),
      requeue: () => this.#settle(subscription, stored, "requeue"),
      reject: () => this.#settle(subscription, stored, "reject"),
    });
  }

  #settle(subscription: Subscription, stored: Stored, end: "ack" | "requeue" | "reject"): void {
    if (!subscription.inFlight.delete(stored)) return;
    subscription.room++;
    if (end === "requeue" && !this.#closed) {
      this.#putBack({ ...stored, redelivered: true });
      clearTimeout(this.#expiry);
      this.#expiry = undefined;
      this.#scheduleExpiry();
    } else {
      this.#surroundings.left(stored.message, stored.entry);
      if (end === "reject") this.#deadLetter(stored.message);
    }
    this.#scheduleDrain();
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

  #dropHead(): void {
    const limit = this.#arguments["x-max-length"];
    if (this.#arguments["x-overflow"] === "reject-publish" || typeof limit !== "number") return;
    while (this.depth > limit) {
      const { message, entry } = this.#shift() as Stored;
      this.#surroundings.left(message, entry);
      this.#deadLetter(message);
    }
  }

  #expire(): void {
    const now = Date.now();
    while (this.depth > 0 && (this.#ready[this.#head] as Stored).expiresAt <= now) {
      const { message, entry } = this.#shift() as Stored;
      this.#surroundings.left(message, entry);
      this.#deadLetter(message);
    }
    this.#scheduleExpiry();
  }

  /** One timer for the head: all messages of a queue live equally long, so none behind it expires earlier. */
  #scheduleExpiry(): void {
    if (this.#expiry !== undefined || this.depth === 0) return;
    const { expiresAt } = this.#ready[this.#head] as Stored;
    if (expiresAt === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(expiresAt - Date.now(), 0), 2 ** 31 - 1);
    this.#expiry = setTimeout(() => {
      this.#expiry = undefined;
      this.#expire();
    }, wait);
    this.#expiry.unref();
  }

  #shift(): Stored | undefined {
    if (this.depth === 0) return undefined;
    const stored = this.#ready[this.#head] as Stored;
    this.#ready[this.#head++] = undefined as unknown as Stored;
    if (this.#head > 1024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    }
    return stored;
  }

  /** In front of all that came after it: near the head. */
  #putBack(stored: Stored): void {
    let index = this.#head;
    while (index < this.#ready.length && (this.#ready[index] as Stored).place < stored.place) index++;
    if (index === this.#head && index > 0) this.#ready[--this.#head] = stored;
    else this.#ready.splice(index, 0, stored);
  }
}
