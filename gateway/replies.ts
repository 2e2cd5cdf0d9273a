import type { Delivery } from "../shared/bus/bus.ts";
import { header } from "../shared/headers.ts";
import { PassingMap } from "../shared/passing-map.ts";

/** What ended a wait: a reply as it came, the news that none comes before the deadline, or the deadline itself. */
export type Waited = { kind: "reply"; body: Buffer } | { kind: "deferred" } | { kind: "timeout" };

/** What became of a reply that arrived: it was waited for, one was there already, or nobody waits for it here. */
export type ReplyFate = "used" | "duplicate" | "late";

export interface WaitOptions {
  /** Default false. */
  readsFirst?: boolean;
}

/** Matches replies from the reply queue with the pushes that wait for them. */
export interface Replies {
  /**
   * Starts waiting for the reply to `identity`, at most until `deadline` (epoch ms). Call it before publishing. With
   * `readsFirst` a process that was held up past the deadline reads first what came meanwhile.
   */
  wait(identity: string, deadline: number, options?: WaitOptions): { result: Promise<Waited>; cancel(): void };
  /** Hands over a reply; the caller ends the delivery according to its fate, which may hang on an answer under way. */
  take(delivery: Pick<Delivery, "properties" | "body">): ReplyFate | Promise<ReplyFate>;
}

export function createReplies(wasAnswered: (identity: string) => boolean | Promise<boolean>): Replies {
  const waits = new PassingMap<string, (waited: Waited) => void>();

  function wait(
    identity: string,
    deadline: number,
    { readsFirst = false }: WaitOptions = {},
  ): { result: Promise<Waited>; cancel(): void } {
    const { promise, resolve } = Promise.withResolvers<Waited>();
    const end = (waited: Waited): void => {
      clearTimeout(timer);
      if (waits.get(identity) === end) waits.delete(identity);
      resolve(waited);
    };
    const giveUp = (): void => end({ kind: "timeout" });
    // Two turns: in one process what is read in the first is the backend's answer, which is the reply in the second.
    const onDue = readsFirst ? () => void setImmediate(setImmediate, giveUp) : giveUp;
    const timer = setTimeout(onDue, Math.max(deadline - Date.now(), 0));
    waits.set(identity, end);
    return { result: promise, cancel: giveUp };
  }

  function take({ properties, body }: Pick<Delivery, "properties" | "body">): ReplyFate | Promise<ReplyFate> {
    const identity = properties.correlationId ?? "";
    const isDeferred = properties.headers?.[header.deferred] === true;
    const end = waits.get(identity);
    if (end === undefined) {
      const answered = isDeferred || wasAnswered(identity);
      return typeof answered === "boolean" ? fateAfter(answered) : answered.then(fateAfter);
    }
    end(isDeferred ? { kind: "deferred" } : { kind: "reply", body });
    return "used";
  }

  return { wait, take };
}

function fateAfter(wasAnswered: boolean): ReplyFate {
  return wasAnswered ? "duplicate" : "late";
}
