import type { ConfirmChannel } from "amqplib";
import { reasonOf } from "../reason-of.ts";
import { reuseHeaders } from "./amqp-headers.ts";
import type { OutgoingMessage, PublishOutcome } from "./bus.ts";
import { uncarriable } from "./uncarriable.ts";

/** What RabbitMQ calls the exchange "" where it refuses the right to it. */
const DEFAULT_EXCHANGE = "amq.default";

/** What came of publishing once on one channel: confirmed, nacked, the channel's end, or nothing in time. */
export type Attempt = PublishOutcome | "refused" | "closed" | "timeout";

/** What is known of a publishing channel. */
interface ChannelState {
  /** Messages that came back and are not confirmed yet, counted: the return comes before the ack. */
  returned: Map<string, number>;
  /** Messages of which the broker has not said a word. */
  unconfirmed: number;
  /** Whether more is written than the broker reads. */
  full: boolean;
  /** Why the broker closed it. */
  refusal?: string;
}

/** Publishes once at a time on channels that it watches. */
export class Attempts {
  readonly #states = new WeakMap<ConfirmChannel, ChannelState>();

  /** To be called before the channel is published on. `onDrain` is told when it is no longer full. */
  watch(channel: ConfirmChannel, onDrain: () => void): void {
    const state: ChannelState = { returned: new Map(), unconfirmed: 0, full: false };
    this.#states.set(channel, state);
    channel.on("return", ({ fields, properties }) => {
      const id = returnId(fields, properties.messageId as string | undefined);
      state.returned.set(id, (state.returned.get(id) ?? 0) + 1);
    });
    channel.on("drain", () => {
      state.full = false;
      onDrain();
    });
    channel.on("error", (error: unknown) => (state.refusal = reasonOf(error)));
  }

  /** Whether more is written than the broker reads: what is written all the same waits in this process. */
  isFull(channel: ConfirmChannel): boolean {
    return this.#stateOf(channel).full;
  }

  /** Messages that the broker has neither confirmed nor refused, those included that were not waited for any longer. */
  unconfirmedOn(channel: ConfirmChannel): number {
    return this.#stateOf(channel).unconfirmed;
  }

  /** Whether the broker closed the channel for this message, or for one that it does not name. */
  isBlamed(channel: ConfirmChannel, { exchange }: OutgoingMessage): boolean {
    const { refusal } = this.#stateOf(channel);
    const named = /exchange '([^']*)'/.exec(refusal ?? "")?.[1];
    return refusal !== undefined && (named === undefined || named === (exchange || DEFAULT_EXCHANGE));
  }

  /** Resolves within `timeout` ms. Throws `NACKED`, with its cause, for what AMQP cannot carry. */
  async publish(
    channel: ConfirmChannel,
    { exchange, routingKey, body, properties }: OutgoingMessage,
    flags: { mandatory: boolean; persistent: boolean },
    timeout: number,
  ): Promise<Attempt> {
    const state = this.#stateOf(channel);
    const { promise, resolve } = Promise.withResolvers<Attempt>();
    const timer = setTimeout(resolve, Math.max(timeout, 0), "timeout");
    const onConfirm = createOnConfirm(state, { exchange, routingKey }, properties.messageId, (attempt) => {
      clearTimeout(timer);
      resolve(attempt);
    });
    try {
      const headers = reuseHeaders(properties.headers);
      const options = { ...properties, headers, ...flags };
      if (!channel.publish(exchange, routingKey, body, options, onConfirm)) state.full = true;
      state.unconfirmed++;
    } catch (error) {
      clearTimeout(timer);
      if (error instanceof Error && error.name === "IllegalOperationError") return "closed"; // it has just closed
      throw uncarriable(error);
    }
    return promise;
  }

  #stateOf(channel: ConfirmChannel): ChannelState {
    return this.#states.get(channel) as ChannelState;
  }
}

/** amqplib keeps it until the broker says a word, be that never: it must not hold on to the message. */
function createOnConfirm(
  state: ChannelState,
  to: { exchange: string; routingKey: string },
  messageId: string | undefined,
  done: (attempt: Attempt) => void,
): (error: Error | null) => void {
  return (error) => {
    state.unconfirmed--;
    const isReturned = state.returned.size > 0 && takeReturn(state, returnId(to, messageId));
    if (error === null) done(isReturned ? "returned" : "routed");
    else done(error.message === "message nacked" ? "refused" : "closed");
  };
}

/** Several messages of one id may be under way to different places. */
function returnId(to: { exchange: string; routingKey: string }, messageId: string | undefined): string {
  return `${messageId}\0${to.exchange}\0${to.routingKey}`;
}

function takeReturn({ returned }: ChannelState, id: string): boolean {
  const count = returned.get(id) ?? 0;
  if (count > 1) returned.set(id, count - 1);
  else returned.delete(id);
  return count > 0;
}
