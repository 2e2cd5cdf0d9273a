import type { Channel } from "amqplib";
import type { Logger } from "../log.ts";
import { reasonOf } from "./amqp-link.ts";

const FIRST_RETRY = 100;
const LONGEST_RETRY = 5000;

/**
 * Keeps one channel open: amqplib's recovery restores connections, but a channel that the broker closed (any 4xx)
 * stays closed. `open` makes the channel, `setup` prepares it; both run again, with a growing pause, until they work.
 */
export class ChannelKeeper<C extends Channel> {
  /** The channel in use; undefined while there is none. */
  current: C | undefined;
  readonly #open: () => Promise<C>;
  readonly #setup: (channel: C) => Promise<void>;
  readonly #log: Logger;
  #waiters = new Set<() => void>();
  #pause = FIRST_RETRY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(open: () => Promise<C>, setup: (channel: C) => Promise<void>, log: Logger) {
    this.#open = open;
    this.#setup = setup;
    this.#log = log;
    void this.#reopen();
  }

  /** The channel as soon as there is one; undefined after `timeout` ms or when closed meanwhile. */
  async ready(timeout: number): Promise<C | undefined> {
    if (this.current !== undefined || this.#closed) return this.current;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeout);
      this.#waiters.add(done);
    });
    return this.current;
  }

  /** Gives up a channel that no longer serves; a new one takes its place. */
  renew(channel: C): void {
    if (this.current !== channel) return;
    channel.close().catch(() => {});
    this.#lost(channel);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const channel = this.current;
    this.current = undefined;
    this.#wake();
    await channel?.close().catch(() => {});
  }

  async #reopen(): Promise<void> {
    let channel: C | undefined;
    try {
      channel = await this.#open();
      const opened = channel;
      opened.on("error", (error) => this.#log.warn({ reason: reasonOf(error) }, "broker closed a channel"));
      opened.on("close", () => this.#lost(opened));
      await this.#setup(opened);
      if (this.#closed) return void opened.close().catch(() => {});
      this.current = opened;
      this.#pause = FIRST_RETRY;
      this.#wake();
    } catch (error) {
      if (this.#closed) return;
      this.#log.warn({ reason: reasonOf(error) }, "a channel could not be prepared, trying again");
      channel?.removeAllListeners("close");
      channel?.close().catch(() => {});
      this.#later();
    }
  }

  #lost(channel: C): void {
    if (this.current !== channel) return; // a failed setup tells its own end
    this.current = undefined;
    if (!this.#closed) this.#later();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#reopen(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_RETRY);
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }
}
