import type { Channel, ConsumeMessage } from "amqplib";
import type { Logger } from "../log.ts";
import { ChannelKeeper } from "./amqp-channel.ts";
import type { Link } from "./amqp-link.ts";
import type { Consumer, ConsumeOptions, Delivery, Properties } from "./bus.ts";

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
  let attempts = 0;

  const keeper = new ChannelKeeper(
    () => link.model.createChannel(),
    async (channel) => {
      if (attempts++ > 0) await redeclare();
      await channel.prefetch(prefetch);
      if (cancelled) return;
      ({ consumerTag } = await channel.consume(queue, (message) => {
        if (message === null) {
          log.warn({ queue }, "the broker cancelled a consumer, consuming again");
          keeper.renew(channel);
        } else onDelivery(toDelivery(channel, message));
      }));
    },
    log.child({ queue }),
  );

  async function cancel(): Promise<void> {
    cancelled = true;
    if (keeper.current && consumerTag) await keeper.current.cancel(consumerTag).catch(() => {});
  }

  return {
    get ready() {
      return keeper.current !== undefined;
    },
    cancel,
    close: async () => {
      cancelled = true;
      await keeper.close(); // the broker takes back whatever was not acked
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
