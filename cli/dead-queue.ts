import type { Channel, ConsumeMessage } from "amqplib";
import { Signal } from "../shared/bus/waiting.ts";
import type { BrokerSession } from "./broker-session.ts";

/** Messages looked at on one channel: the bound of what waits in memory. */
const WINDOW = 1000;
/** Milliseconds without a message after which the rest is taken to be in somebody else's hands. */
const IDLE = 2000;

/** A message being looked at. Exactly one of `remove` and `keep` ends that. */
export interface HeldMessage {
  message: ConsumeMessage;
  remove(): void;
  keep(): void;
}

/**
 * Looks through a queue without changing it: each message there at the start is delivered once, oldest first, and held
 * until `close`, which gives back in their order those that were kept. A message counts one delivery for each look.
 * Messages are held at the broker, a thousand on each channel, so that few are in this process's memory at a time; when
 * the process or the connection dies, all that were not removed are back at once.
 */
export class DeadQueue {
  readonly #session: BrokerSession;
  readonly #queue: string;
  readonly #windows: { channel: Channel; tag: string }[] = [];
  readonly #arrived: HeldMessage[] = [];
  readonly #changed = new Signal();
  /** Messages there at the start. */
  readonly total: number;
  /** Kept on the newest channel. */
  #kept = 0;
  #open = 0;
  #stopped = false;
  #lost: Error | undefined;

  private constructor(session: BrokerSession, queue: string, total: number) {
    this.#session = session;
    this.#queue = queue;
    this.total = total;
    session.onLost((error) => {
      this.#lost = error;
      this.#changed.notify();
    });
  }

  /** Throws when there is no such queue. */
  static async open(session: BrokerSession, queue: string): Promise<DeadQueue> {
    const channel = await session.model.createChannel();
    channel.on("error", () => {}); // the rejected call tells
    const { messageCount } = await channel.checkQueue(queue);
    await channel.close();
    return new DeadQueue(session, queue, messageCount);
  }

  /** Throws when the connection is lost. */
  async *messages(): AsyncGenerator<HeldMessage> {
    for (let looked = 0; looked < this.total && !this.#stopped; looked++) {
      const held = await this.#next();
      if (held === undefined) return;
      yield held;
    }
  }

  /** Ends `messages` before its time. */
  stop(): void {
    this.#stopped = true;
    this.#changed.notify();
  }

  /** Gives back all that was kept, and makes sure that the rest is removed; after a loss the broker has done so. */
  async close(): Promise<void> {
    this.stop();
    if (this.#lost !== undefined) return;
    // First no more consumer, or what one channel gives back would come to the next.
    for (const { channel, tag } of this.#windows) await channel.cancel(tag);
    for (const { channel } of this.#windows) await channel.close();
  }

  async #next(): Promise<HeldMessage | undefined> {
    for (let idleSince = performance.now(); ;) {
      if (this.#lost !== undefined) throw this.#lost;
      const held = this.#arrived.shift();
      if (held !== undefined || this.#stopped) return held;
      if (this.#windows.length === 0 || this.#kept === WINDOW) {
        await this.#openWindow();
        idleSince = performance.now();
      }
      if (this.#arrived.length === 0) await this.#changed.wait(IDLE);
      if (this.#open > 0) idleSince = performance.now();
      else if (this.#arrived.length === 0 && performance.now() - idleSince >= IDLE) return undefined;
    }
  }

  async #openWindow(): Promise<void> {
    const channel = await this.#session.model.createChannel();
    channel.on("error", () => {}); // the connection's close tells
    this.#kept = 0;
    await channel.prefetch(WINDOW);
    const { consumerTag: tag } = await channel.consume(this.#queue, (message) => {
      if (message !== null) this.#arrived.push(this.#hold(channel, message));
      this.#changed.notify();
    });
    this.#windows.push({ channel, tag });
  }

  #hold(channel: Channel, message: ConsumeMessage): HeldMessage {
    this.#open++;
    const end = (): void => {
      this.#open--;
      this.#changed.notify();
    };
    return {
      message,
      remove: () => {
        channel.ack(message);
        end();
      },
      keep: () => {
        this.#kept++;
        end();
      },
    };
  }
}
