import type { Names } from "./bus/names.ts";
import { replyMessage, type Event } from "./envelope.ts";
import { isFailure } from "./failure.ts";
import type { PublishUntilHeld, UntilHeldOptions } from "./publish-until-held.ts";
import type { Reply } from "./reply.ts";

/** A refusal may pass; the answer that waits for the reply does not wait for long. */
const TRIES = 3;

interface ReplyOptions extends Pick<UntilHeldOptions, "transient"> {
  deferred?: boolean;
}

/**
 * Replies to an event, if anybody waits for that, and publishes the reply until the broker holds it, as `publish` does. A
 * gateway's queue that goes on refusing has lost its node: RabbitMQ 4 nacks what earlier ones route as if the queue were
 * gone. The reply is then a late one.
 */
export function createPublishReply(publish: PublishUntilHeld, names: Names) {
  return async function publishReply(event: Event, reply: Reply, { deferred = false, ...options }: ReplyOptions = {}) {
    if (event.replyTo === undefined) return;
    const body = Buffer.from(JSON.stringify(reply));
    const message = replyMessage(event, names.replies, event.replyTo, body, { deferred });
    try {
      await publish(message, { ...options, tries: TRIES });
    } catch (error) {
      if (!isFailure(error, "NACKED")) throw error;
      // No reply queue has this name: the alternate exchange takes it, and who may only reply needs no other permission.
      await publish({ ...message, routingKey: names.lateReplies }, options);
    }
  };
}
