import type { OutgoingMessage } from "./bus/bus.ts";
import type { Names } from "./bus/names.ts";
import { isFailure } from "./failure.ts";
import type { PublishUntilHeld, UntilHeldOptions } from "./publish-until-held.ts";

/** A refusal may pass; the answer that waits for the reply does not wait for long. */
const TRIES = 3;

/**
 * Publishes a reply until the broker holds it, as `publish` does. A gateway's queue that goes on refusing has lost its
 * node: RabbitMQ 4 nacks what earlier ones route as if the queue were gone. The reply is then a late one.
 */
export function createPublishReply(publish: PublishUntilHeld, names: Names): PublishUntilHeld {
  return async function publishReply(message: OutgoingMessage, options: UntilHeldOptions = {}) {
    try {
      await publish(message, { ...options, tries: TRIES });
    } catch (error) {
      if (!isFailure(error, "NACKED")) throw error;
      // No reply queue has this name: the alternate exchange takes it, and who may only reply needs no other permission.
      await publish({ ...message, routingKey: names.lateReplies }, options);
    }
  };
}
