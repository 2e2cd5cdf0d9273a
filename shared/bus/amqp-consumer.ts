import type { Channel, ConsumeMessage } from "amqplib";
import type { Logger } from "../log.ts";
import { ChannelKeeper } from "./amqp-channel.ts";
import type { Link } from "./amqp-link.ts";
import type { Consumer, ConsumeOptions, Delivery, Properties } from "./bus.ts";
import { within } from "./waiting.ts";

const CANCEL_TIMEOUT = 2000;

/** A consumer on a channel of its own that comes back after whatever ended it, the queue's deletion included. */
export interface AmqpConsumer extends Consumer {
  readonly ready: boolean;
}

/** `redeclare` brings the queue back when it is gone. */
export function createAmqpConsumer(
  link: Link,
  queue: string,
  { prefetch }: ConsumeOptions,
  onDelivery: (delivery: Delivery) => void,
  redeclare: () => Promise<void>,
  log: Logger,
): AmqpConsumer {
  let consumerTag: string | undefined;
  let cancelled = false;

  const keeper = new ChannelKeeper(
    {
      open: () => link.model.createChannel(),
      async setup(channel) {
        await redeclare();
        if (cancelled) return;
        await channel.prefetch(prefetch);
        ({ consumerTag } = await channel.consume(queue, (message) => take(channel, message)));
        // `cancel` found nothing to cancel yet
        if (cancelled) await channel.cancel(consumerTag);
      },
    },
    log.child({ queue }),
  );

  function take(channel: Channel, message: ConsumeMessage | null): void {
    if (message !== null) {
      const delivery = toDelivery(channel, message);
      // It was on its way when the consumer was cancelled: not to be kept from others until the channel closes.
      if (cancelled) delivery.requeue();
      else onDelivery(delivery);
    } else if (!cancelled) {
      log.warn({ queue }, "the broker cancelled a consumer, consuming again");
      keeper.renew(channel);
    }
  }

  return {
    get ready() {
      return keeper.current !== undefined;
    },
    async cancel() {
      cancelled = true;
      const channel = keeper.current;
      if (channel && consumerTag) await within(CANCEL_TIMEOUT, channel.cancel(consumerTag)).catch(() => {});
    },
    async close() {
      cancelled = true;
      await keeper.close(); // the broker takes back whatever was not ended
    },
  };
}

function toDelivery(channel: Channel, message: ConsumeMessage): Delivery {
  let ended = false;
  const once = (end: () => void) => () => {
    if (ended) return;
    ended = true;
    try {
      end();
    } catch {
      // the channel has gone: the broker delivers the message again
    }
  };
  const { exchange, routingKey, redelivered } = message.fields;
  return {
    exchange,
    routingKey,
    redelivered,
    body: message.content,
    properties: message.properties as Properties,
    ack: once(() => channel.ack(message)),
    requeue: once(() => channel.nack(message, false, true)),
    reject: once(() => channel.nack(message, false, false)),
  };
}
