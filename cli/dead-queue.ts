import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ConsumeMessage } from "amqplib";
import { openChannel } from "../shared/bus/open-channel.ts";
import { Signal } from "../shared/bus/waiting.ts";
import type { BrokerSession } from "./broker-session.ts";

/** Messages looked at on one channel: the bound of what waits in memory. */
const WINDOW = 1000;
/** Milliseconds without a message after which the rest is taken to be in somebody else's hands. */
const IDLE = 2000;
/** Milliseconds for one channel's messages to be back in the queue, and between two looks. */
const BACK_WITHIN = 1000;
const LOOK_EVERY = 10;

/** A message being looked at. Exactly one of `remove` and `keep` ends that. */
export interface HeldMessage {
  message: ConsumeMessage;
  remove(): void;
  keep(): void;
}

interface Window {
  channel: Channel;
  tag: string;
  kept: number;
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
  readonly #windows: Window[] = [];
  readonly #arrived: HeldMessage[] = [];
  readonly #changed = new Signal();
  /** Messages there at the start. */
  readonly total: number;
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
    const channel = await openChannel(session);
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

  /**
   * Gives back all that was kept, and makes sure that the rest is removed. Throws when the connection is lost: the broker
   * then gives back what it was not told to remove.
   */
  async close(): Promise<void> {
    this.stop();
    if (this.#lost !== undefined) throw this.#lost;
    // First no more consumer, or what one channel gives back would come to the next.
    for (const { channel, tag } of this.#windows) await channel.cancel(tag);
    const looking = await openChannel(this.#session);
    let { messageCount: back } = await looking.checkQueue(this.#queue);
    for (const { channel, kept } of this.#windows) {
      await channel.close();
      back += kept;
      await this.#untilBack(looking, back);
    }
    await looking.close();
  }

  /** The queue learns of a channel's end after the broker has answered it, and of two ends in any order. */
  async #untilBack(looking: Channel, count: number): Promise<void> {
    for (const end = performance.now() + BACK_WITHIN; performance.now() < end; await sleep(LOOK_EVERY)) {
      const { messageCount } = await looking.checkQueue(this.#queue);
      if (messageCount >= count) return;
    }
  }

  async #next(): Promise<HeldMessage | undefined> {
    for (let idleSince = performance.now(); ;) {
      if (this.#lost !== undefined) throw this.#lost;
      const held = this.#arrived.shift();
      if (held !== undefined || this.#stopped) return held;
      if ((this.#windows.at(-1)?.kept ?? WINDOW) === WINDOW) {
        await this.#openWindow();
        idleSince = performance.now();
      }
      if (this.#arrived.length === 0) await this.#changed.wait(IDLE);
      if (this.#open > 0) idleSince = performance.now();
      else if (this.#arrived.length === 0 && performance.now() - idleSince >= IDLE) return undefined;
    }
  }

  async #openWindow(): Promise<void> {
    const channel = await openChannel(this.#session);
    const window: Window = { channel, tag: "", kept: 0 };
    await channel.prefetch(WINDOW);
    const { consumerTag } = await channel.consume(this.#queue, (message) => {
      if (message !== null) this.#arrived.push(this.#hold(window, message));
      this.#changed.notify();
    });
    window.tag = consumerTag;
    this.#windows.push(window);
  }

  #hold(window: Window, message: ConsumeMessage): HeldMessage {
    this.#open++;
    const end = (): void => {
      this.#open--;
      this.#changed.notify();
    };
    return {
      message,
      remove: () => {
        window.channel.ack(message);
        end();
      },
      keep: () => {
        window.kept++;
        end();
      },
    };
  }
}
