import { setTimeout as sleep } from "node:timers/promises";
import type { ConfirmChannel, Options } from "amqplib";
import { Failure } from "../failure.ts";
import type { ChannelKeeper } from "./amqp-channel.ts";
import type { OutgoingMessage, PublishOptions, PublishOutcome } from "./bus.ts";

/** A refusal may pass (a leader election, a full queue): tried again this often, on a new channel from the second on. */
const NACKS_GIVE_UP = 4;
const NACK_PAUSE = 50;

type Attempt = PublishOutcome | "nacked" | "closed" | "timeout";

/** Messages the broker gave back on a channel, counted by message id: the return comes before the ack. */
const returnedOn = new WeakMap<ConfirmChannel, Map<string, number>>();

/** Watches a channel for messages that come back unrouted; every publishing channel needs it once. */
export function watchReturns(channel: ConfirmChannel): void {
  const returned = new Map<string, number>();
  returnedOn.set(channel, returned);
  channel.on("return", ({ properties }) => {
    const id = properties.messageId as string | undefined;
    if (id !== undefined) returned.set(id, (returned.get(id) ?? 0) + 1);
  });
}

/**
 * Publishes until the broker confirms: over lost connections, closed channels and passing refusals, at most
 * `options.timeout` ms. Mandatory messages need a message id. Throws `NOT_HELD` or `NACKED`.
 */
export async function publishConfirmed(
  keeper: ChannelKeeper<ConfirmChannel>,
  message: OutgoingMessage,
  { timeout, mandatory = false }: PublishOptions,
): Promise<PublishOutcome> {
  const deadline = performance.now() + timeout;
  const publishing: Options.Publish = { ...message.properties, persistent: true, mandatory };
  for (let nacks = 0; ;) {
    const channel = keeper.current ?? (await keeper.ready(Math.max(deadline - performance.now(), 0)));
    if (channel === undefined) throw new Failure("NOT_HELD", "the broker is away");
    const attempt = await publishOnce(channel, message, publishing, deadline - performance.now());
    if (attempt === "routed" || attempt === "returned") return attempt;
    if (attempt === "timeout") throw new Failure("NOT_HELD", "the broker did not confirm in time");
    if (attempt === "nacked") {
      if (++nacks >= NACKS_GIVE_UP) throw new Failure("NACKED", "the broker refuses the message");
      if (nacks > 1) keeper.renew(channel);
      await sleep(NACK_PAUSE * nacks);
    }
  }
}

function publishOnce(
  channel: ConfirmChannel,
  { exchange, routingKey, body, properties }: OutgoingMessage,
  options: Options.Publish,
  timeout: number,
): Promise<Attempt> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(timeout, 0), "timeout");
    const done = (attempt: Attempt): void => {
      clearTimeout(timer);
      resolve(attempt);
    };
    try {
      channel.publish(exchange, routingKey, body, options, (error: Error | null) => {
        const wasReturned = takeReturn(channel, properties.messageId);
        if (error === null) done(wasReturned ? "returned" : "routed");
        else done(error.message === "message nacked" ? "nacked" : "closed");
      });
    } catch {
      done("closed"); // amqplib throws when the channel has just closed
    }
  });
}

function takeReturn(channel: ConfirmChannel, id: string | undefined): boolean {
  const returned = returnedOn.get(channel);
  if (returned === undefined || returned.size === 0 || id === undefined) return false;
  const count = returned.get(id) ?? 0;
  if (count > 1) returned.set(id, count - 1);
  else returned.delete(id);
  return count > 0;
}
