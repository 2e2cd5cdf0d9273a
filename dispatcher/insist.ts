import type { Delivery } from "../shared/bus/bus.ts";
import { throwIfGone } from "../shared/bus/gone.ts";
import type { Account } from "../shared/config/config.ts";
import type { Event } from "../shared/envelope.ts";
import type { Metrics } from "../shared/metrics.ts";
import type { Outbox } from "./outbox.ts";
import type { Verdict } from "./verdict.ts";

/** How long a user's later events wait behind one that fails, in ms. */
const PATIENCE = 60_000;
/** While the breaker is open it is looked at this often, in ms. */
const LOOK_AGAIN = 500;

type Failed = Extract<Verdict, { error: string }>;

export interface InsistParts {
  account: Pick<Account, "name" | "retry">;
  outbox: Pick<Outbox, "defer">;
  /** Waits in the delivery's lane; rejects at shutdown. */
  pause: (ms: number) => Promise<void>;
  metrics: Metrics;
  /** Default: 1 min. */
  patience?: number;
}

/** The last verdict, and the attempt that it is about. `since` is when the delivery came, by `performance.now()`. */
export type Insist = (
  delivery: Delivery,
  event: Event,
  ask: (event: Event) => Promise<Verdict> | Verdict,
  since: number,
) => Promise<{ verdict: Verdict; attempt: number }>;

/**
 * Asks a failing backend again while the user's later events wait: on the rungs of the ladder that fit into one minute.
 * The minute counts from the delivery's arrival, so that a user whose every event fails does not keep the others' room
 * for longer than that; each is asked for once at least. With the breaker open, which holds up all users alike, it
 * counts from the event's turn, and the probes go first to events that were never asked for. Rejects at shutdown, and
 * when the delivery has gone back to its queue.
 */
export function createInsist({ account, outbox, pause, metrics, patience = PATIENCE }: InsistParts): Insist {
  /** Events that wait for the breaker and were never asked for. */
  let unasked = 0;

  return async function insist(delivery, event, ask, since) {
    const turn = performance.now();
    let attempt = event.attempt;
    let isDeferred = false;
    let failure: Failed | undefined;
    for (;;) {
      // A failing event comes back just when the next probe is due: it would have them all, others' events none.
      const verdict = failure && unasked > 0 ? passedOver(failure) : await ask({ ...event, attempt });
      const wait = waitAfter(verdict, attempt, since, turn);
      if (wait === undefined) return { verdict, attempt };
      const comesTooLate = verdict.kind === "unavailable" || Date.now() + wait >= event.deadline;
      if (comesTooLate && !isDeferred && Date.now() < event.deadline) {
        isDeferred = true;
        await outbox.defer(event);
      }
      if (failure === undefined && verdict.kind === "unavailable") await pauseUnasked(wait);
      else await pause(wait);
      throwIfGone(delivery);
      if (verdict.kind !== "failed") continue;
      failure = verdict;
      attempt++;
    }
  };

  async function pauseUnasked(ms: number): Promise<void> {
    unasked++;
    try {
      await pause(ms);
    } finally {
      unasked--;
    }
  }

  function waitAfter({ kind }: Verdict, attempt: number, since: number, turn: number): number | undefined {
    if (kind === "unavailable") return turn + patience > performance.now() ? LOOK_AGAIN : undefined;
    if (kind !== "failed" || attempt > account.retry.length) return undefined;
    const left = since + patience - performance.now();
    const rung = account.retry.slice(0, attempt).findLast(({ ms }) => ms <= left);
    if (rung !== undefined) metrics.retries.inc({ service: account.name, delay: rung.name });
    return rung?.ms;
  }
}

function passedOver({ error }: Failed): Verdict {
  return { kind: "unavailable", error };
}
