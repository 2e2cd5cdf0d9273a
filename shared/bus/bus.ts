import type { Topology } from "./topology.ts";

/** AMQP's message properties, those the contract uses. */
export interface Properties {
  contentType?: string;
  messageId?: string;
  correlationId?: string;
  replyTo?: string;
  /** Seconds since 1970. */
  timestamp?: number;
  /** The event's routing key: it survives retry queues, unlike the delivery's own. */
  type?: string;
  appId?: string;
  headers?: Record<string, unknown>;
}

/** A message on its way to an exchange; "" is the default exchange, whose routing keys are queue names. */
export interface OutgoingMessage {
  exchange: string;
  routingKey: string;
  body: Buffer;
  properties: Properties;
}

export interface PublishOptions {
  /** Milliseconds to wait for the broker's confirm, reconnecting and publishing again as needed. */
  timeout: number;
  /** Whether a message that reaches no queue is told apart ("returned"). Default false. */
  mandatory?: boolean;
  /** Whether it may be lost when its broker dies: a classic queue then does not write it to disk. Default false. */
  transient?: boolean;
  /** Tries after which a broker that refuses is believed, at least 1; Infinity: until the timeout. Default 5; the in-process bus is believed at once. */
  tries?: number | undefined;
  /** What this is a copy of, a delivery mostly: once that is gone nothing is published any more, since it comes again (`NOT_HELD`). */
  source?: Pick<Delivery, "isGone"> | undefined;
  /**
   * Whether a delivery is held until this is published: the in-process bus then takes it also when it is full, or nothing
   * would ever leave it again. Default false.
   */
  endsDelivery?: boolean;
}

/** Where a confirmed message went: into at least one queue, or back because no queue was bound for it. */
export type PublishOutcome = "routed" | "returned";

/** A message handed to a consumer. Exactly one of `ack`, `acked`, `requeue` and `reject` ends it; a second call does nothing. */
export interface Delivery {
  exchange: string;
  routingKey: string;
  redelivered: boolean;
  body: Buffer;
  properties: Properties;
  /** Whether its channel or its consumer has closed: nothing can end it any more, and it comes again to somebody. */
  isGone(): boolean;
  ack(): void;
  /**
   * Acks, and resolves when the queue is known to have taken that: the message then comes to nobody again. Rejects when
   * the connection is lost before: it may come again.
   */
  acked(): Promise<void>;
  /** Gives it back to its queue, for this or another consumer. */
  requeue(): void;
  /** Drops it from its queue: it is dead-lettered where the queue says so. */
  reject(): void;
}

export interface ConsumeOptions {
  /** Deliveries in flight, 1 to 65535. */
  prefetch: number;
  /** Default: the queue is one that was declared before. */
  own?: OwnQueue;
}

/** A queue of the consumer's own, which a cluster may lose. */
export interface OwnQueue {
  /** Declares the queue, each time before it is consumed; nobody else waits for that. */
  topology: Topology;
  /**
   * Milliseconds after which it is declared again, and again: nothing else would miss a binding, which goes with its
   * exchange when somebody deletes that.
   */
  declareEvery: number;
  /** Milliseconds that the broker has each time. RabbitMQ 4 may say nothing for a minute of a queue whose node is down. */
  patience: number;
  /** Told each time the broker refuses, or does not answer in time. The consumer tries again until it is closed. */
  onLost: () => void;
}

export interface Consumer {
  /** Stops new deliveries; those in flight can still be acked. */
  cancel(): Promise<void>;
  /** Cancels if need be and gives every delivery that was not ended back to the queue. */
  close(): Promise<void>;
}

/** A consumer as a bus begins it: in the background, once the broker is there. */
export interface StartingConsumer extends Consumer {
  /** Resolves once it gets deliveries, and after `timeout` ms at the latest. */
  started(timeout: number): Promise<void>;
}

/**
 * What the bridge needs of a broker, in AMQP's own terms. Two adapters keep it: RabbitMQ and in-process.
 * Everything is restored by the adapter after a lost connection: topology, consumers, unconfirmed publishes.
 */
export interface Bus {
  /**
   * Declares exchanges, queues and bindings that are not there yet, now and after each reconnection.
   * Resolves when they are declared; with the broker away it waits for `timeout` ms and throws `NOT_HELD`,
   * and they are declared all the same as soon as the broker is back. What the broker refuses is logged, named in a
   * `CONFIG_INVALID`, and hinders nothing else.
   */
  declare(topology: Topology, options: { timeout: number }): Promise<void>;
  /**
   * Resolves once the broker holds the message durably. Throws `NOT_HELD` when that was not confirmed in time
   * (it may be held all the same) and `NACKED` when the broker refuses it again and again, for a full queue or a
   * missing exchange, or when AMQP cannot carry it (`isUncarriable`).
   */
  publish(message: OutgoingMessage, options: PublishOptions): Promise<PublishOutcome>;
  /** Never runs `onDelivery` inside `publish`; what it throws must be its own concern: it may not throw. */
  consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): StartingConsumer;
  /** Messages ready in a queue; undefined when the queue is missing. Rejects when the broker cannot be asked in 2 s. */
  depth(queue: string): Promise<number | undefined>;
  /** Deletes a queue when it holds nothing; throws otherwise. Either way it does not come back with a reconnection. */
  deleteQueue(queue: string): Promise<void>;
  /** Whether messages can be published right now, and every consumer gets deliveries. */
  readonly ready: boolean;
  /** Whether messages can be published right now, consumers aside. */
  readonly publishes: boolean;
  close(): Promise<void>;
}
