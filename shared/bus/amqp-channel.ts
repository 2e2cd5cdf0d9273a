import type { Channel } from "amqplib";
import type { Logger } from "../log.ts";
import { reasonOf } from "../reason-of.ts";
import { Signal, until, within } from "./waiting.ts";

const FIRST_RETRY = 100;
const LONGEST_RETRY = 5000;
const CLOSE_TIMEOUT = 2000;

export interface KeptChannel<C extends Channel> {
  open(): Promise<C>;
  setup(channel: C): Promise<void>;
  /** Whether the channel may be used right now. Default: always. */
  isUsable?(channel: C): boolean;
}

/**
 * Keeps one channel open: amqplib's recovery restores connections, but a channel that the broker closed (any 4xx)
 * stays closed. `open` makes the channel, `setup` prepares it; both run again, with a growing pause, until they work.
 */
export class ChannelKeeper<C extends Channel> {
  /** The channel in use; undefined while there is none. */
  current: C | undefined;
  /** When it came, by `performance.now()`. */
  openedAt = 0;
  /** To be notified when `isUsable` may answer differently. */
  readonly changed = new Signal();
  readonly #kept: KeptChannel<C>;
  readonly #log: Logger;
  #pause = FIRST_RETRY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(kept: KeptChannel<C>, log: Logger) {
    this.#kept = kept;
    this.#log = log;
    void this.#reopen();
  }

  /** The channel, if it may be used right now. */
  get usable(): C | undefined {
    const { current } = this;
    return current && (this.#kept.isUsable?.(current) ?? true) ? current : undefined;
  }

  /** The channel as soon as there is one to be used; undefined after `timeout` ms or when closed meanwhile. */
  async ready(timeout: number): Promise<C | undefined> {
    return (await until(this.changed, () => (this.#closed ? null : this.usable), timeout)) ?? undefined;
  }

  /** Gives up a channel that no longer serves, once `finished`; a new one takes its place at once. */
  renew(channel: C, finished: Promise<unknown> = Promise.resolve()): void {
    const close = (): Promise<void> => channel.close();
    finished.then(close, close).catch(() => {});
    // One that is still being prepared tells its end by its close event.
    this.#lost(channel);
  }

  /** Waits `patience` ms for the broker's word. Default: 2 s. */
  async close(patience: number = CLOSE_TIMEOUT): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const channel = this.current;
    this.current = undefined;
    this.changed.notify();
    if (channel) await within(patience, channel.close()).catch(() => {});
  }

  async #reopen(): Promise<void> {
    let opened: C | undefined;
    try {
      const channel = (opened = await this.#kept.open());
      let ended = false;
      channel.on("error", (error) => this.#log.warn({ reason: reasonOf(error) }, "broker closed a channel"));
      channel.on("close", () => {
        ended = true;
        this.#lost(channel);
      });
      if (!this.#closed) await this.#kept.setup(channel);
      if (this.#closed) return void channel.close().catch(() => {});
      // It may close together with the last answer that `setup` waited for.
      if (ended) throw new Error("closed while it was being prepared");
      this.current = channel;
      this.openedAt = performance.now();
      this.#pause = FIRST_RETRY;
      this.changed.notify();
    } catch (error) {
      opened?.close().catch(() => {});
      if (this.#closed) return;
      this.#log.warn({ reason: reasonOf(error) }, "a channel could not be prepared, trying again");
      this.#later();
    }
  }

  #lost(channel: C): void {
    if (this.current !== channel) return; // given up before, or still in `#reopen`, which sees to it
    this.current = undefined;
    if (!this.#closed) this.#later();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#reopen(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_RETRY);
  }
}
