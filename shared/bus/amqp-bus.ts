import type { Channel } from "amqplib";
import type { AmqpConfig } from "../config/config.ts";
import { Failure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { createAmqpConsumer, type AmqpConsumer } from "./amqp-consumer.ts";
import { isRefusal } from "./amqp-declare.ts";
import { createLink, type Link } from "./amqp-link.ts";
import { Publisher } from "./amqp-publisher.ts";
import { AmqpTopologies } from "./amqp-topologies.ts";
import type {
  Bus,
  ConsumeOptions,
  Delivery,
  OutgoingMessage,
  PublishOptions,
  PublishOutcome,
  StartingConsumer,
} from "./bus.ts";
import { openChannel } from "./open-channel.ts";
import type { Topology } from "./topology.ts";
import { within } from "./waiting.ts";

const QUESTION_TIMEOUT = 2000;
/** For the channels, and again for the connections. */
const CLOSE_TIMEOUT = 1000;

/**
 * The bus on RabbitMQ. Publishing and consuming have a connection each, since a broker under an alarm blocks
 * publishing ones: whatever else is asked of the broker goes over the consuming one. Resolves at once; connections
 * come up, and come back, in the background. `name` is shown by the broker's management pages.
 */
export async function createAmqpBus(config: AmqpConfig, name: string, log: Logger): Promise<Bus> {
  const publishing = await createLink(config, `${name} publishing`, log);
  const consuming = await createLink(config, `${name} consuming`, log);
  return new AmqpBus(publishing, consuming, log);
}

class AmqpBus implements Bus {
  readonly #publishing: Link;
  readonly #consuming: Link;
  readonly #log: Logger;
  readonly #publisher: Publisher;
  readonly #consumers = new Set<AmqpConsumer>();
  readonly #topologies: AmqpTopologies;

  constructor(publishing: Link, consuming: Link, log: Logger) {
    this.#publishing = publishing;
    this.#consuming = consuming;
    this.#log = log;
    this.#topologies = new AmqpTopologies(consuming, log);
    this.#publisher = new Publisher(publishing, () => this.#restored(), log);
  }

  get ready(): boolean {
    const consumersReady = [...this.#consumers].every((consumer) => consumer.ready);
    return this.publishes && this.#consuming.connected && consumersReady;
  }

  get publishes(): boolean {
    return this.#publisher.ready;
  }

  declare(topology: Topology, options: { timeout: number }): Promise<void> {
    return this.#topologies.declare(topology, options);
  }

  async publish(message: OutgoingMessage, options: PublishOptions): Promise<PublishOutcome> {
    const deadline = performance.now() + options.timeout;
    const outcome = await this.#publisher.publish(message, options);
    if (outcome === "routed") return outcome;
    const left = (): number => Math.max(deadline - performance.now(), 0);
    const isRestored = await within(left(), this.#topologies.restoreFor(message)).catch(() => false);
    return isRestored ? this.#publisher.publish(message, { ...options, timeout: left() }) : outcome;
  }

  consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): StartingConsumer {
    const consumer = createAmqpConsumer(
      this.#consuming,
      queue,
      options,
      onDelivery,
      () => this.#topologies.redeclare(),
      this.#log,
    );
    this.#consumers.add(consumer);
    return {
      started: (timeout) => consumer.started(timeout),
      cancel: () => consumer.cancel(),
      close: async () => {
        this.#consumers.delete(consumer);
        await consumer.close();
      },
    };
  }

  async depth(queue: string): Promise<number | undefined> {
    try {
      return await this.#ask(async (channel) => (await channel.checkQueue(queue)).messageCount);
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }

  async deleteQueue(queue: string): Promise<void> {
    this.#topologies.forgetQueue(queue);
    await this.#ask((channel) => {
      const deleting = (): Promise<unknown> => within(QUESTION_TIMEOUT, channel.deleteQueue(queue, { ifEmpty: true }));
      return this.#topologies.oneByOne(deleting);
    });
  }

  async close(): Promise<void> {
    const channels = [...this.#consumers, this.#publisher].map((channel) => channel.close());
    await within(CLOSE_TIMEOUT, Promise.all(channels)).catch(() => {});
    await Promise.all([this.#publishing.close(CLOSE_TIMEOUT), this.#consuming.close(CLOSE_TIMEOUT)]);
  }

  /** What is published may call for replies to a consumer's own queue. */
  async #restored(): Promise<void> {
    await this.#topologies.redeclare();
    await Promise.all([...this.#consumers].map((consumer) => consumer.ownQueueIsThere()));
  }

  /** On a channel of its own: what the broker refuses closes the channel it was asked on. */
  #ask<T>(question: (channel: Channel) => Promise<T>): Promise<T> {
    const asking = async (): Promise<T> => {
      if (!(await this.#consuming.isUp(QUESTION_TIMEOUT))) throw new Failure("NOT_HELD", "the broker is away");
      const channel = await openChannel(this.#consuming);
      try {
        return await question(channel);
      } finally {
        channel.close().catch(() => {});
      }
    };
    return within(QUESTION_TIMEOUT, asking());
  }
}
