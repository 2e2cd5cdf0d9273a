import { Failure } from "../failure.ts";
import type {
  Bus,
  ConsumeOptions,
  Delivery,
  OutgoingMessage,
  PublishOptions,
  PublishOutcome,
  StartingConsumer,
} from "./bus.ts";
import { throwIfGone } from "./gone.ts";
import type { Journal } from "./journal.ts";
import { MemoryExchanges } from "./memory-exchanges.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { mergeTopologies, waitingTopology, type Arguments, type Topology } from "./topology.ts";

/** Bounds of the in-process bus; a push beyond them is refused, so that WeChat pushes again later. */
export interface MemoryLimits {
  messages: number;
  bytes: number;
}

export const memoryLimits: MemoryLimits = { messages: 200_000, bytes: 256 * 1024 * 1024 };
/** Of each exchange. */
const MAX_ROUTES = 10_000;

/**
 * A bus inside this process, with RabbitMQ's routing rules. With a journal its durable queues, those declared as
 * quorum queues, are kept on disk and are there again after a restart; without, everything ends with the process.
 */
export class MemoryBus implements Bus {
  readonly #limits: MemoryLimits;
  readonly #journal: Journal | undefined;
  readonly #exchanges = new MemoryExchanges();
  readonly #queues = new Map<string, MemoryQueue>();
  /** Queues by exchange and routing key, worked out once: accounts use few keys. */
  readonly #routes = new Map<string, Map<string, MemoryQueue[]>>();
  #messages = 0;
  #bytes = 0;
  #closed = false;

  constructor({ limits = memoryLimits, journal }: { limits?: MemoryLimits; journal?: Journal | undefined } = {}) {
    this.#limits = limits;
    this.#journal = journal;
  }

  get ready(): boolean {
    return !this.#closed;
  }

  get publishes(): boolean {
    return this.ready;
  }

  async declare(topology: Topology): Promise<void> {
    this.#declare(topology);
  }

  #declare(topology: Topology): void {
    this.#exchanges.declare(topology);
    for (const { name, arguments: args } of topology.queues) {
      if (!this.#queues.has(name)) this.#queues.set(name, this.#createQueue(name, args));
    }
    this.#routes.clear();
  }

  /**
   * To be called when all is declared: lets what waits on disk for a retry return when its wait is over, also from a
   * retry queue that nobody has declared, as its rung is in no `retry` any more.
   */
  returnRetries(): void {
    const left = this.#journal?.retryQueues().filter((queue) => !this.#queues.has(queue)) ?? [];
    this.#declare(mergeTopologies(...left.map((queue) => waitingTopology(queue, Number.POSITIVE_INFINITY, ""))));
  }

  async publish(message: OutgoingMessage, options: PublishOptions): Promise<PublishOutcome> {
    if (this.#closed) throw new Failure("NOT_HELD", "the in-process bus is closed");
    throwIfGone(options.source);
    if (message.exchange !== "" && !this.#exchanges.has(message.exchange)) {
      throw new Failure("NACKED", `there is no exchange ${message.exchange}`);
    }
    const queues = this.#route(message.exchange, message.routingKey);
    if (queues.length === 0) return options.mandatory === true ? "returned" : "routed";
    if (queues.some((queue) => queue.isFull)) throw new Failure("NACKED", "a queue for this message is full");
    if (!options.endsDelivery && this.#isFull) {
      throw new Failure("NACKED", "the in-process bus is full");
    }
    if (this.#journal) await this.#enqueueOnDisk(queues, message, this.#journal);
    else this.#enqueue(queues, message);
    return "routed";
  }

  consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): StartingConsumer {
    if (options.own) this.#declare(options.own.topology);
    const found = this.#queues.get(queue);
    if (found === undefined) throw new Failure("CONFIG_INVALID", `there is no queue ${queue} to consume`);
    return found.subscribe(options, onDelivery);
  }

  async depth(queue: string): Promise<number | undefined> {
    return this.#queues.get(queue)?.depth ?? this.#journaled(queue);
  }

  async deleteQueue(queue: string): Promise<void> {
    const found = this.#queues.get(queue);
    if (found === undefined) return;
    if (found.depth > 0) throw new Failure("NACKED", `queue ${queue} is not empty`);
    found.close();
    this.#queues.delete(queue);
    this.#exchanges.unbindQueue(queue);
    this.#routes.clear();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const queue of this.#queues.values()) queue.close();
    this.#journal?.close();
  }

  #createQueue(name: string, args: Arguments): MemoryQueue {
    const journal = args["x-queue-type"] === "quorum" ? this.#journal : undefined;
    const queue = new MemoryQueue(args, {
      deadLetter: (message) => this.#deadLetter(message),
      entered: (message, ttl) => journal?.add(name, message, Date.now() + ttl),
      left: (message, entry) => {
        this.#discount(message);
        if (entry !== undefined) journal?.remove(entry);
      },
      ended: (message, entry) => {
        this.#discount(message);
        if (entry !== undefined) journal?.ack(entry);
      },
      async forgotten(entry) {
        if (entry !== undefined) await journal?.acked(entry).catch(throwUnwritten);
      },
    });
    for (const journaled of journal?.load(name) ?? []) {
      this.#count(journaled.message);
      queue.restore(journaled);
    }
    return queue;
  }

  get #isFull(): boolean {
    return this.#messages >= this.#limits.messages || this.#bytes >= this.#limits.bytes;
  }

  /** What a queue left on disk that nobody has declared since. */
  #journaled(queue: string): number | undefined {
    return this.#journal?.depth(queue) || undefined;
  }

  #count(message: OutgoingMessage): void {
    this.#messages++;
    this.#bytes += message.body.length;
  }

  #discount(message: OutgoingMessage): void {
    this.#messages--;
    this.#bytes -= message.body.length;
  }

  #enqueue(queues: MemoryQueue[], message: OutgoingMessage): void {
    for (const queue of queues) {
      this.#count(message);
      queue.put(queue.note(message));
    }
  }

  /**
   * One for a queue that nobody has declared, of an account that the config has no more, say, lies on disk as that
   * queue's, and is there when it is declared again. Without a journal it is gone.
   */
  #deadLetter(message: OutgoingMessage): void {
    const queues = this.#route(message.exchange, message.routingKey);
    if (queues.length > 0) this.#enqueue(queues, message);
    else this.#journal?.add(message.routingKey, message, Number.POSITIVE_INFINITY);
  }

  /** Not before it is on disk: what cannot be written is not held, is not delivered, and may be published again. */
  async #enqueueOnDisk(queues: MemoryQueue[], message: OutgoingMessage, journal: Journal): Promise<void> {
    const notes = queues.map((queue) => {
      this.#count(message);
      return { queue, noted: queue.note(message) };
    });
    try {
      if (notes.some(({ noted }) => noted.entry !== undefined)) await journal.written();
    } catch (error) {
      for (const _ of notes) this.#discount(message);
      throwUnwritten(error);
    }
    for (const { queue, noted } of notes) queue.put(noted);
  }

  #route(exchange: string, routingKey: string): MemoryQueue[] {
    const routes = this.#routes.get(exchange) ?? new Map<string, MemoryQueue[]>();
    let queues = routes.get(routingKey);
    if (queues === undefined) {
      const names = this.#exchanges.queuesOf(exchange, routingKey);
      queues = [...names].map((name) => this.#queues.get(name)).filter((queue) => queue !== undefined);
      if (routes.size >= MAX_ROUTES) routes.clear();
      this.#routes.set(exchange, routes.set(routingKey, queues));
    }
    return queues;
  }
}

function throwUnwritten(cause: unknown): never {
  throw new Failure("NOT_HELD", "the journal cannot be written: check data-dir's disk", { cause });
}
