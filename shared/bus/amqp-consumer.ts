import type { Channel, ConsumeMessage } from "amqplib";
import { Failure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { createAcks, type Acks } from "./amqp-acks.ts";
import { ChannelKeeper } from "./amqp-channel.ts";
import { declareTopologies, isRefusal } from "./amqp-declare.ts";
import type { Link } from "./amqp-link.ts";
import type { ConsumeOptions, Delivery, OwnQueue, Properties, StartingConsumer } from "./bus.ts";
import { within } from "./waiting.ts";

const CANCEL_TIMEOUT = 2000;
/** Need be unique on its channel only. */
const CONSUMER_TAG = "wx-bridge";

/** A consumer on a channel of its own that comes back after whatever ended it, the queue's deletion included. */
export interface AmqpConsumer extends StartingConsumer {
  /** Whether it gets deliveries, or was cancelled. */
  readonly ready: boolean;
  /** Resolves when its own queue is there, if it has one, or the patience with that is over. */
  ownQueueIsThere(): Promise<void>;
}

/** A channel that was opened, until its end. */
interface Opened {
  channel: Channel;
  acks: Acks;
  isOver: boolean;
}

/** `redeclare` brings the queue back when it is gone. */
export function createAmqpConsumer(
  link: Link,
  queue: string,
  { prefetch, own }: ConsumeOptions,
  onDelivery: (delivery: Delivery) => void,
  redeclare: () => Promise<void>,
  log: Logger,
): AmqpConsumer {
  let consuming: Opened | undefined;
  let cancelled = false;
  /** Whether the broker left `cancel` without an answer: it is not waited for once more. */
  let isSilent = false;
  let declaring: Promise<unknown> | undefined;
  const timer = own && setInterval(() => void (declaring = declareAgain(own)), own.declareEvery).unref();

  const keeper = new ChannelKeeper(
    {
      open: () => link.model.createChannel(),
      async setup(channel) {
        await redeclare();
        await channel.prefetch(prefetch);
        if (cancelled) return;
        const opened = { channel, acks: createAcks(channel, prefetch), isOver: false };
        channel.once("close", () => (opened.isOver = true));
        // From here on `cancel` has something to cancel: its command goes out behind the next one.
        consuming = opened;
        await (own ? consumeOwn(opened, own) : consume(opened));
      },
    },
    log.child({ queue }),
  );

  function consume(opened: Opened): Promise<unknown> {
    return opened.channel.consume(queue, (message) => take(opened, message), { consumerTag: CONSUMER_TAG });
  }

  async function consumeOwn(opened: Opened, { topology, patience, onLost }: OwnQueue): Promise<void> {
    const declareAndConsume = async (): Promise<void> => {
      const refusals = await declareTopologies([topology], link);
      // An exchange that is there otherwise than declared serves all the same; without any, the binding is refused.
      const refusal = refusals.find(({ declaration }) => !declaration.startsWith("exchange "));
      if (refusal)
        throw new Failure("CONFIG_INVALID", `the broker refuses the ${refusal.declaration}: ${refusal.reason}`);
      await consume(opened);
    };
    try {
      await within(patience, declareAndConsume());
    } catch (error) {
      if (error instanceof Failure || isRefusal(error)) onLost();
      throw error;
    }
  }

  /** What is refused or not answered is left to the channel, whose consumer is told of its queue's end. */
  async function declareAgain({ topology, patience }: OwnQueue): Promise<void> {
    if (keeper.current === undefined) return; // it is declared before that comes
    await within(patience, declareTopologies([topology], link)).catch(() => {});
  }

  async function started(timeout: number): Promise<void> {
    await keeper.ready(timeout);
  }

  function take(opened: Opened, message: ConsumeMessage | null): void {
    if (message !== null) {
      const delivery = toDelivery(opened, queue, message);
      // It was on its way when the consumer was cancelled: not to be kept from others until the channel closes.
      if (cancelled) delivery.requeue();
      else onDelivery(delivery);
    } else if (!cancelled) {
      // It does not say why, and RabbitMQ 4.3 tells of a delivery that takes too long in no other way.
      const causes = "its queue was deleted or has moved, or a delivery took longer than consumer_timeout";
      log.warn({ queue, causes }, "the broker cancelled a consumer, consuming again");
      opened.acks.flush();
      keeper.renew(opened.channel);
    }
  }

  return {
    get ready() {
      return cancelled || keeper.current !== undefined;
    },
    started,
    async ownQueueIsThere() {
      if (own && !cancelled) await started(own.patience);
    },
    async cancel() {
      cancelled = true;
      clearInterval(timer);
      if (!consuming) return;
      await within(CANCEL_TIMEOUT, consuming.channel.cancel(CONSUMER_TAG)).catch((error: unknown) => {
        isSilent = error instanceof Failure; // else the channel is gone
      });
    },
    async close() {
      cancelled = true;
      clearInterval(timer);
      consuming?.acks.flush();
      await declaring; // or it could bring back a queue that is deleted next
      await keeper.close(isSilent ? 0 : undefined); // the broker takes back whatever was not ended
    },
  };
}

function toDelivery(opened: Readonly<Opened>, queue: string, message: ConsumeMessage): Delivery {
  const { channel, acks } = opened;
  let ended = false;
  const once = (end: () => void) => () => {
    if (ended) return;
    ended = true;
    end();
  };
  const { exchange, routingKey, redelivered } = message.fields;
  const ack = once(() => acks.ack(message));
  acks.delivered(message);
  return {
    exchange,
    routingKey,
    redelivered,
    body: message.content,
    properties: message.properties as Properties,
    isGone: () => opened.isOver,
    ack,
    async acked() {
      ack();
      acks.flush();
      // AMQP confirms no acks, but the queue answers in order: after this ack.
      await channel.checkQueue(queue);
    },
    requeue: once(() => acks.nack(message, true)),
    reject: once(() => acks.nack(message, false)),
  };
}
