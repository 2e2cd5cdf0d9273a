import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ConfirmChannel } from "amqplib";
import type { AmqpConfig } from "../config/config.ts";
import { Failure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { ChannelKeeper } from "./amqp-channel.ts";
import { createAmqpConsumer, type AmqpConsumer } from "./amqp-consumer.ts";
import { createLink, reasonOf, type Link } from "./amqp-link.ts";
import { publishConfirmed, watchReturns } from "./amqp-publisher.ts";
import type {
  Bus,
  Consumer,
  ConsumeOptions,
  Delivery,
  OutgoingMessage,
  PublishOptions,
  PublishOutcome,
} from "./bus.ts";
import type { Topology } from "./topology.ts";

const QUESTION_TIMEOUT = 2000;
const CLOSE_TIMEOUT = 2000;

/**
 * The bus on RabbitMQ. Publishing and consuming have a connection each, since a broker under an alarm blocks
 * publishing ones. Resolves at once; connections come up, and come back, in the background. `name` is shown by the
 * broker's management pages.
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
  readonly #topologies: Topology[] = [];
  readonly #publisher: ChannelKeeper<ConfirmChannel>;
  readonly #consumers = new Set<AmqpConsumer>();

  constructor(publishing: Link, consuming: Link, log: Logger) {
    this.#publishing = publishing;
    this.#consuming = consuming;
    this.#log = log;
    this.#publisher = new ChannelKeeper(
      () => publishing.model.createConfirmChannel(),
      async (channel) => {
        watchReturns(channel);
        await this.#declareAll();
      },
      log,
    );
  }

  get ready(): boolean {
    const consumersReady = [...this.#consumers].every((consumer) => consumer.ready);
    return this.#publisher.current !== undefined && !this.#publishing.blocked && consumersReady;
  }

  async declare(topology: Topology, { timeout }: { timeout: number }): Promise<void> {
    this.#topologies.push(topology);
    const channel = await this.#publisher.ready(timeout);
    if (channel === undefined) throw new Failure("NOT_HELD", "the broker is away");
    await this.#declareAll([topology]); // it may have come too late for the channel's own setup
  }

  publish(message: OutgoingMessage, options: PublishOptions): Promise<PublishOutcome> {
    return publishConfirmed(this.#publisher, message, options);
  }

  consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Consumer {
    const consumer = createAmqpConsumer(
      this.#consuming,
      queue,
      options,
      onDelivery,
      () => this.#declareAll(),
      this.#log,
    );
    this.#consumers.add(consumer);
    return {
      cancel: async () => {
        this.#consumers.delete(consumer);
        await consumer.cancel();
      },
      close: async () => {
        this.#consumers.delete(consumer);
        await consumer.close();
      },
    };
  }

  async depth(queue: string): Promise<number | undefined> {
    const question = this.#withChannel(async (channel) => (await channel.checkQueue(queue)).messageCount);
    return Promise.race([question.catch(() => undefined), sleep(QUESTION_TIMEOUT, undefined, { ref: false })]);
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.#withChannel((channel) => channel.deleteQueue(queue, { ifEmpty: true }));
  }

  async close(): Promise<void> {
    const closing = async (): Promise<void> => {
      await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
      await this.#publisher.close();
      await Promise.all([this.#publishing.close(), this.#consuming.close()]);
    };
    await Promise.race([closing(), sleep(CLOSE_TIMEOUT, undefined, { ref: false })]);
  }

  /** On a channel of its own: what the broker refuses closes the channel it was asked on. */
  async #withChannel<T>(use: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.#publishing.model.createChannel();
    channel.on("error", () => {}); // the rejected call tells
    try {
      return await use(channel);
    } finally {
      await channel.close().catch(() => {});
    }
  }

  async #declareAll(topologies: readonly Topology[] = this.#topologies): Promise<void> {
    for (let i = 0; i < topologies.length; i++) {
      await this.#withChannel((channel) => declare(channel, topologies[i] as Topology)).catch((error: unknown) => {
        throw new Failure("CONFIG_INVALID", `the broker refuses a declaration: ${reasonOf(error)}`, { cause: error });
      });
    }
  }
}

async function declare(channel: Channel, topology: Topology): Promise<void> {
  for (const { name, type, arguments: args } of topology.exchanges) {
    await channel.assertExchange(name, type, { durable: true, arguments: args });
  }
  for (const { name, arguments: args } of topology.queues) {
    await channel.assertQueue(name, { durable: true, arguments: args });
  }
  for (const { source, destination, to, routingKey } of topology.bindings) {
    await (to === "queue"
      ? channel.bindQueue(destination, source, routingKey)
      : channel.bindExchange(destination, source, routingKey));
  }
  for (const { source, destination, routingKey } of topology.unbindings) {
    await channel.unbindQueue(destination, source, routingKey);
  }
}
