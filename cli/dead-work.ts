import { reasonOf } from "../shared/reason-of.ts";
import { createDeadFilter, readDeadLetter, type DeadLetter } from "./dead-letter.ts";
import type { DeadOptions } from "./dead-options.ts";
import type { DeadQueue, HeldMessage } from "./dead-queue.ts";
import { createProgress } from "./progress.ts";

/** Messages acted on at a time. */
const AT_ONCE = 100;

/** What a walk through the dead letters came to. */
export interface Worked {
  /** Dead letters there at the start. */
  total: number;
  done: number;
  /** Reasons why some were left, and how many. */
  failures: Map<string, number>;
  /** Why the connection was lost, if it was. */
  lost: string | undefined;
  interrupted: boolean;
}

/**
 * Acts on each dead letter that is meant, the oldest first; the others, and those that `act` fails for, stay. SIGINT and
 * SIGTERM end it after what is under way. Closes the queue.
 */
export async function workThrough(
  queue: DeadQueue,
  options: DeadOptions,
  verb: string,
  act: (held: HeldMessage, letter: DeadLetter) => Promise<void>,
): Promise<Worked> {
  const { limit = Infinity } = options;
  const isMeant = createDeadFilter(options);
  const worked: Worked = { total: queue.total, done: 0, failures: new Map(), lost: undefined, interrupted: false };
  const progress = createProgress(() => `${verb} ${worked.done}, looked at ${looked} of ${queue.total}`);
  const underWay = new Set<Promise<void>>();
  let looked = 0;
  let taken = 0;
  const interrupt = (): void => {
    worked.interrupted = true;
    queue.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);

  async function actOn(held: HeldMessage, letter: DeadLetter): Promise<void> {
    try {
      await act(held, letter);
      worked.done++;
    } catch (error) {
      held.keep();
      const reason = reasonOf(error);
      worked.failures.set(reason, (worked.failures.get(reason) ?? 0) + 1);
    }
  }

  try {
    for await (const held of queue.messages()) {
      looked++;
      const letter = readDeadLetter(held.message);
      if (!isMeant(letter)) held.keep();
      else {
        const acting = actOn(held, letter).finally(() => underWay.delete(acting));
        underWay.add(acting);
        if (++taken >= limit) break;
      }
      if (underWay.size >= AT_ONCE) await Promise.race(underWay);
    }
  } catch (error) {
    worked.lost = reasonOf(error);
  }
  await Promise.all(underWay);
  await queue.close().catch((error: Error) => (worked.lost ??= error.message));
  progress.end();
  return worked;
}
