import { setTimeout as sleep } from "node:timers/promises";
import type { Channel } from "amqplib";
import type { AmqpConfig } from "../config/config.ts";
import { Failure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { createAmqpConsumer, type AmqpConsumer } from "./amqp-consumer.ts";
import { declareTopologies, type Refusal } from "./amqp-declare.ts";
import { createLink, reasonOf, type Link } from "./amqp-link.ts";
import { Publisher } from "./amqp-publisher.ts";
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
import { within } from "./waiting.ts";

const QUESTION_TIMEOUT = 2000;
const RETRY_PAUSE = 50;
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

/** What came of a topology's last declaration. */
interface Declared {
  /** Which of the bus's declarations it was. */
  number: number;
  refusals: string[];
}

class AmqpBus implements Bus {
  readonly #publishing: Link;
  readonly #consuming: Link;
  readonly #log: Logger;
  readonly #publisher: Publisher;
  readonly #consumers = new Set<AmqpConsumer>();
  #topologies: Topology[] = [];
  readonly #declared = new WeakMap<Topology, Declared>();
  /** Refused declarations that were logged since the connection came: each channel that opens may bring them again. */
  readonly #told = new Set<string>();
  #declarations = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(publishing: Link, consuming: Link, log: Logger) {
    this.#publishing = publishing;
    this.#consuming = consuming;
    this.#log = log;
    this.#publisher = new Publisher(publishing, () => this.#redeclare(), log);
    // Before any consumer has its channel: they all wait for this one run.
    consuming.onConnected(() => {
      this.#told.clear();
      this.#redeclare().catch((error: unknown) => log.warn({ reason: reasonOf(error) }, "topology not restored yet"));
    });
  }

  get ready(): boolean {
    const consumersReady = [...this.#consumers].every((consumer) => consumer.ready);
    return this.#publisher.ready && this.#consuming.connected && consumersReady;
  }

  async declare(topology: Topology, { timeout }: { timeout: number }): Promise<void> {
    if (!this.#topologies.includes(topology)) this.#topologies.push(topology); // its declaration may be tried again
    const refusals = await within(timeout, this.#declareUntil(performance.now() + timeout, topology));
    if (refusals.length > 0) {
      throw new Failure("CONFIG_INVALID", `the broker refuses a declaration: ${refusals.join("; ")}`);
    }
  }

  publish(message: OutgoingMessage, options: PublishOptions): Promise<PublishOutcome> {
    return this.#publisher.publish(message, options);
  }

  consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Consumer {
    const consumer = createAmqpConsumer(
      this.#consuming,
      queue,
      options,
      onDelivery,
      () => this.#redeclare(),
      this.#log,
    );
    this.#consumers.add(consumer);
    return {
      cancel: () => consumer.cancel(),
      close: async () => {
        this.#consumers.delete(consumer);
        await consumer.close();
      },
    };
  }

  depth(queue: string): Promise<number | undefined> {
    return this.#ask(async (channel) => (await channel.checkQueue(queue)).messageCount).catch(() => undefined);
  }

  async deleteQueue(queue: string): Promise<void> {
    this.#topologies = this.#topologies.map((topology) => withoutQueue(topology, queue)).filter(declaresAnything);
    await this.#ask((channel) => this.#oneByOne(() => channel.deleteQueue(queue, { ifEmpty: true })));
  }

  async close(): Promise<void> {
    const channels = [...this.#consumers, this.#publisher].map((channel) => channel.close());
    await within(CLOSE_TIMEOUT, Promise.all(channels)).catch(() => {});
    await Promise.all([this.#publishing.close(CLOSE_TIMEOUT), this.#consuming.close(CLOSE_TIMEOUT)]);
  }

  /** On a channel of its own: what the broker refuses closes the channel it was asked on. */
  #ask<T>(question: (channel: Channel) => Promise<T>): Promise<T> {
    const asking = async (): Promise<T> => {
      if (!(await this.#consuming.isUp(QUESTION_TIMEOUT))) throw new Failure("NOT_HELD", "the broker is away");
      const channel = await this.#openChannel();
      try {
        return await question(channel);
      } finally {
        channel.close().catch(() => {});
      }
    };
    return within(QUESTION_TIMEOUT, asking());
  }

  async #openChannel(): Promise<Channel> {
    const channel = await this.#consuming.model.createChannel();
    channel.on("error", () => {}); // the rejected call tells
    return channel;
  }

  /** Over connections that are lost meanwhile. Resolves to what the broker refuses. */
  async #declareUntil(deadline: number, topology: Topology): Promise<string[]> {
    for (;;) {
      const left = Math.max(deadline - performance.now(), 0);
      if (!(await this.#consuming.isUp(left))) throw new Failure("NOT_HELD", "the broker is away");
      try {
        await this.#declare(() => [topology]);
        return this.#declared.get(topology)?.refusals ?? [];
      } catch (error) {
        if (performance.now() >= deadline) throw error;
        await sleep(RETRY_PAUSE); // what broke the connection may be told a little later than what it broke
      }
    }
  }

  /** Declares what is wanted, save what others have declared since this was asked for. */
  #declare(wanted: () => readonly Topology[]): Promise<void> {
    const askedAfter = this.#declarations;
    return this.#oneByOne(async () => {
      const missing = wanted().filter((topology) => (this.#declared.get(topology)?.number ?? 0) <= askedAfter);
      const refusals = await declareTopologies(missing, () => this.#openChannel());
      this.#tell(refusals);
      const number = ++this.#declarations;
      for (const topology of missing) {
        const own = refusals.filter((refusal) => refusal.topology === topology);
        this.#declared.set(topology, {
          number,
          refusals: own.map(({ declaration, reason }) => `${declaration}: ${reason}`),
        });
      }
    });
  }

  #tell(refusals: Refusal[]): void {
    for (const { declaration, reason } of refusals) {
      if (!this.#told.has(declaration)) this.#log.error({ declaration, reason }, "the broker refuses a declaration");
      this.#told.add(declaration);
    }
  }

  /** Never at the same time: a declaration could undo a deletion. */
  #oneByOne<T>(act: () => Promise<T>): Promise<T> {
    const acting = this.#last.then(act, act);
    this.#last = acting.catch(() => {});
    return acting;
  }

  /** Everything again. After an outage all ask at once, and the first one does it for all. */
  async #redeclare(): Promise<void> {
    if (await this.#consuming.isUp()) await this.#declare(() => this.#topologies);
  }
}

/** A queue that was deleted on purpose is not to come back with the next connection. */
function withoutQueue(topology: Topology, queue: string): Topology {
  const isOther = ({ to, destination }: Topology["bindings"][number]): boolean =>
    to !== "queue" || destination !== queue;
  if (topology.queues.every(({ name }) => name !== queue)) return topology;
  return {
    exchanges: topology.exchanges,
    queues: topology.queues.filter(({ name }) => name !== queue),
    bindings: topology.bindings.filter(isOther),
    unbindings: topology.unbindings.filter(isOther),
  };
}

function declaresAnything({ exchanges, queues, bindings, unbindings }: Topology): boolean {
  return [exchanges, queues, bindings, unbindings].some((declarations) => declarations.length > 0);
}
