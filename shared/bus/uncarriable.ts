import { Failure, isFailure } from "../failure.ts";
import { reasonOf } from "../reason-of.ts";

/**
 * The `NACKED` for a message that AMQP cannot carry: no other one has a cause. AMQP lets others send what amqplib can read
 * but not write: a header that is not a number, or 100 KB of them.
 */
export function uncarriable(cause: unknown): Failure {
  return new Failure("NACKED", `AMQP cannot carry the message: ${reasonOf(cause)}`, { cause });
}

/** Whether that is why it was refused: its queue, and what else goes there, is not to blame. */
export function isUncarriable(error: unknown): boolean {
  return isFailure(error, "NACKED") && error.cause !== undefined;
}
