import { setTimeout as sleep } from "node:timers/promises";
import type { ConfirmChannel } from "amqplib";
import { Failure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { Attempts } from "./amqp-attempts.ts";
import { ChannelKeeper } from "./amqp-channel.ts";
import type { Link } from "./amqp-link.ts";
import type { OutgoingMessage, PublishOptions, PublishOutcome } from "./bus.ts";
import { throwIfGone } from "./gone.ts";

/** A refusal may pass (a leader election, a full queue): tried so often, a little later each time. */
const TRIES = 5;
const PAUSE = 50;
/** Refusals on the common channel after which the spare one is tried: it may be the channel that is refused. */
const SPARE_FROM = 2;

/**
 * When a channel may be replaced, by its age in ms: for refusals, the spare one and the main one; for so many messages that
 * are `unconfirmed`, as amqplib and the broker keep something of each. It is closed `grace` ms later: longer than any
 * publish waits for its confirm.
 */
const usualLimits = { spareAge: 1000, mainAge: 2000, unconfirmed: 20_000, silentAge: 60_000, grace: 11_000 };

/** Publishes with confirms. `beforeOpen` runs before the channel for everyone opens. */
export class Publisher {
  readonly #link: Link;
  readonly #log: Logger;
  readonly #main: ChannelKeeper<ConfirmChannel>;
  /** Takes what the main channel was nacked for, so that one queue that refuses hinders nobody else. */
  #spare: ChannelKeeper<ConfirmChannel> | undefined;
  #closed = false;
  readonly #attempts = new Attempts();
  readonly #limits: typeof usualLimits;

  constructor(link: Link, beforeOpen: () => Promise<void>, log: Logger, limits = usualLimits) {
    this.#link = link;
    this.#log = log;
    this.#limits = limits;
    this.#main = this.#keep(beforeOpen);
    link.onUnblocked(() => {
      this.#main.changed.notify();
      this.#spare?.changed.notify();
    });
  }

  get ready(): boolean {
    return this.#main.current !== undefined && !this.#link.blocked;
  }

  /**
   * Publishes until the broker confirms: over lost connections, closed channels and passing refusals, at most
   * `options.timeout` ms. Mandatory messages need a message id. Throws `NOT_HELD` or `NACKED`.
   */
  async publish(
    message: OutgoingMessage,
    { timeout, mandatory = false, transient = false, tries = TRIES, source }: PublishOptions,
  ): Promise<PublishOutcome> {
    const deadline = performance.now() + timeout;
    const left = (): number => deadline - performance.now();
    let refusedOn: ConfirmChannel | undefined;
    for (let refusals = 0; ;) {
      const keeper = refusals < SPARE_FROM || this.#closed ? this.#main : this.#takeSpare();
      const channel = left() > 0 ? (keeper.usable ?? (await keeper.ready(left()))) : undefined;
      if (channel === undefined) throw new Failure("NOT_HELD", "the broker is away or takes no messages");
      if (channel !== keeper.usable) continue; // others that waited, too, have filled it
      throwIfGone(source);
      const attempt = await this.#attempts.publish(channel, message, { mandatory, persistent: !transient }, left());
      if (attempt === "routed" || attempt === "returned") {
        if (keeper === this.#spare && refusedOn) this.#renewMain(refusedOn);
        return attempt;
      }
      if (attempt === "timeout") {
        this.#renewSilent(keeper, channel);
        throw new Failure("NOT_HELD", "the broker did not confirm in time");
      }
      if (attempt === "closed") keeper.renew(channel); // in case it could not tell
      if (attempt === "refused" || this.#attempts.isBlamed(channel, message)) {
        if (++refusals >= tries) throw new Failure("NACKED", "the broker refuses the message");
        if (keeper === this.#main) refusedOn = channel;
        await sleep(Math.min(PAUSE * refusals, Math.max(left(), 0)));
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#main.close(), this.#spare?.close()]);
  }

  #keep(beforeOpen: () => Promise<void>): ChannelKeeper<ConfirmChannel> {
    const keeper = new ChannelKeeper<ConfirmChannel>(
      {
        open: async () => {
          await beforeOpen();
          return this.#link.model.createConfirmChannel();
        },
        setup: async (channel) => this.#attempts.watch(channel, () => keeper.changed.notify()),
        // Written all the same, messages would pile up in this process and leave it long after their timeout.
        isUsable: (channel) => !this.#link.blocked && !this.#attempts.isFull(channel),
      },
      this.#log,
    );
    return keeper;
  }

  /** A spare channel opened during a leader election may be refused for ever, too: it is not used for long. */
  #takeSpare(): ChannelKeeper<ConfirmChannel> {
    const spare = (this.#spare ??= this.#keep(async () => {}));
    this.#replace(spare, spare.current, this.#limits.spareAge);
    return spare;
  }

  #renewSilent(keeper: ChannelKeeper<ConfirmChannel>, channel: ConfirmChannel): void {
    const { unconfirmed, silentAge } = this.#limits;
    if (this.#attempts.unconfirmedOn(channel) >= unconfirmed) this.#replace(keeper, channel, silentAge);
  }

  /** What the spare channel could publish and the main one could not tells that the main one has gone stale. */
  #renewMain(refusedOn: ConfirmChannel): void {
    this.#replace(this.#main, refusedOn, this.#limits.mainAge);
  }

  /** Messages under way on the old channel are confirmed there, or waited for no longer, before it closes. */
  #replace(keeper: ChannelKeeper<ConfirmChannel>, channel: ConfirmChannel | undefined, age: number): void {
    if (channel === undefined || channel !== keeper.current || performance.now() - keeper.openedAt < age) return;
    keeper.renew(channel, sleep(this.#limits.grace, undefined, { ref: false }));
  }
}
