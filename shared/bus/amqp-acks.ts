import type { Channel, ConsumeMessage } from "amqplib";
import { PassingMap } from "../passing-map.ts";

/** Milliseconds that an ack may wait for others to go with. */
const TOGETHER = 2;

/**
 * Ends the deliveries of one channel. Acks go out up to 2 ms late: all up to the oldest delivery still open in one frame,
 * the others one by one behind it. An ack each time would cost this process and the broker a packet a message.
 */
export interface Acks {
  delivered(message: ConsumeMessage): void;
  ack(message: ConsumeMessage): void;
  /** At once, as whatever comes next may count on it. */
  nack(message: ConsumeMessage, requeue: boolean): void;
  /** Sends the acks that wait. Does nothing on a channel that has closed: its deliveries come again. */
  flush(): void;
}

/** `prefetch` acks in a row do not wait: nothing more comes before they are out. */
export function createAcks(channel: Channel, prefetch: number): Acks {
  /** Deliveries that the broker does not know the end of, oldest first, and whether they are to be acked. */
  const open = new PassingMap<ConsumeMessage, boolean>();
  let waiting = 0;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === 0) return;
    waiting = 0;
    let last: ConsumeMessage | undefined;
    const others: ConsumeMessage[] = [];
    let isUnbroken = true;
    for (const [message, isAcked] of open) {
      if (!isAcked) isUnbroken = false;
      else if (isUnbroken) last = message;
      else others.push(message);
      if (isAcked) open.delete(message);
    }
    send(() => {
      if (last) channel.ack(last, true);
      for (const message of others) channel.ack(message);
    });
  }

  return {
    delivered: (message) => open.set(message, false),
    ack(message) {
      open.set(message, true);
      if (++waiting >= prefetch) flush();
      else timer ??= setTimeout(flush, TOGETHER);
    },
    nack(message, requeue) {
      open.delete(message);
      send(() => channel.nack(message, false, requeue));
    },
    flush,
  };
}

function send(frames: () => void): void {
  try {
    frames();
  } catch {
    // the channel has gone: the broker delivers the message again
  }
}
