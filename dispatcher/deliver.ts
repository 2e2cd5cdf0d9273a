import type { Delivery } from "../shared/bus/bus.ts";
import type { Account, RetryDelay } from "../shared/config/config.ts";
import { readEvent, type Event } from "../shared/envelope.ts";
import { header, type DeadReason } from "../shared/headers.ts";
import type { Logger } from "../shared/log.ts";
import { keyLabel, type Metrics } from "../shared/metrics.ts";
import { poisonIn } from "../shared/poison.ts";
import { success } from "../shared/reply.ts";
import { afterTurn } from "../shared/turn.ts";
import type { Insist } from "./insist.ts";
import type { Outbox } from "./outbox.ts";
import type { Verdict } from "./verdict.ts";

/** The breaker's probes come no faster, so a copy that met an open breaker need not come back sooner. */
const BREAKER_PAUSE = 10_000;
const HOUR = 3_600_000;

/** What became of a delivery; `attempt` is there when it was tried again in place. */
interface Ended {
  outcome: string;
  error?: string;
  attempt?: number;
}

type Respond = (event: Event, body: Buffer) => Promise<Verdict> | Verdict;

export interface DeliverParts {
  account: Account;
  outbox: Outbox;
  enrich: (event: Event) => Promise<Buffer>;
  /** The one that answers: HTTP backend or echo; undefined when consumers of the fan-out do. */
  respond: Respond | undefined;
  /** Asks again in place; undefined where failed deliveries wait in retry queues. */
  insist?: Insist | undefined;
  log: Logger;
  metrics: Metrics;
}

/**
 * Works on one delivery: enrich, fan out, ask the backend, reply; acked only when the backend took it or its copy is
 * held in a retry queue or the dead-letter queue. Rejects only when that was cut short: the delivery is then still open.
 * `since` (by `performance.now()`) is when the delivery came.
 */
export function createDeliver({ account, outbox, enrich, respond, insist, log, metrics }: DeliverParts) {
  const service = account.name;
  const warnedAt = new Map<string, number>();

  return async function deliver(delivery: Delivery, since = performance.now()): Promise<void> {
    const startedAt = performance.now();
    const event = readEvent(delivery);
    const { outcome, error, attempt = event.attempt } = await work(delivery, { ...event, service }, since);
    delivery.ack();
    const ms = Math.round(performance.now() - startedAt);
    afterTurn(() => {
      metrics.deliveries.inc({ service, key: keyLabel(event.routingKey), outcome });
      metrics.deliverySeconds.observe({ service }, ms / 1000);
      log.info({ identity: event.identity, key: event.routingKey, attempt, outcome, reason: error, ms }, "delivery");
    });
  };

  async function work(delivery: Delivery, event: Event, since: number): Promise<Ended> {
    const poison = poisonIn(delivery, event);
    if (poison !== undefined) return bury(delivery, event, "poison", poison);
    const body = await enrich(event);
    if (respond === undefined) return fanOut(delivery, event, body);
    if (!account.fanOut || !isFirst(delivery, event)) return answer(delivery, event, body, since, respond);
    // At the same time: a subscriber whose queue refuses takes none of the backend's budget.
    const fanningOut = outbox.enriched(delivery, event, body);
    const [outcome] = await Promise.all([answer(delivery, event, body, since, respond), fanningOut]);
    return outcome;
  }

  /** Consumers are all that answers: what none of them has, or one of them may not have, is kept. */
  async function fanOut(delivery: Delivery, event: Event, body: Buffer): Promise<Ended> {
    if (await outbox.enriched(delivery, event, body)) return { outcome: "fanned-out" };
    await outbox.unrouted(delivery, event);
    return { outcome: "unrouted" };
  }

  async function answer(
    delivery: Delivery,
    event: Event,
    body: Buffer,
    since: number,
    respond: Respond,
  ): Promise<Ended> {
    if (insist === undefined) return settle(delivery, event, await respond(event, body));
    const { verdict, attempt } = await insist(delivery, event, (tried) => respond(tried, body), since);
    return { ...(await settle(withAttempt(delivery, attempt), { ...event, attempt }, verdict)), attempt };
  }

  async function settle(delivery: Delivery, event: Event, verdict: Verdict): Promise<Ended> {
    switch (verdict.kind) {
      case "taken":
        if (verdict.unusable !== undefined) {
          log.warn(
            { identity: event.identity, key: event.routingKey, reason: verdict.unusable },
            "the backend's reply cannot be used",
          );
          metrics.replies.inc({ service, outcome: "unusable" });
        }
        await outbox.reply(event, verdict.reply);
        return { outcome: "taken" };
      case "failed":
        return retry(delivery, event, account.retry[event.attempt - 1], verdict);
      case "unavailable":
        return retry(delivery, event, breakerRung(), verdict);
      case "rejected":
        return bury(delivery, event, "rejected", verdict.error);
      default:
        return leave(delivery, event, verdict.error);
    }
  }

  async function retry(
    delivery: Delivery,
    event: Event,
    delay: RetryDelay | undefined,
    { kind, error }: { kind: Verdict["kind"]; error: string },
  ): Promise<Ended> {
    if (delay === undefined || insist !== undefined) return bury(delivery, event, "exhausted", error);
    const wasAsked = kind === "failed";
    await outbox.retry(delivery, event, { delay, attempt: event.attempt + (wasAsked ? 1 : 0), error });
    metrics.retries.inc({ service, delay: delay.name });
    const comesTooLate = !wasAsked || Date.now() + delay.ms >= event.deadline;
    if (comesTooLate && Date.now() < event.deadline) await outbox.defer(event);
    return { outcome: "retry", error };
  }

  function breakerRung(): RetryDelay | undefined {
    return account.retry.find(({ ms }) => ms >= BREAKER_PAUSE) ?? account.retry.at(-1);
  }

  async function bury(delivery: Delivery, event: Event, reason: DeadReason, error: string): Promise<Ended> {
    await outbox.dead(delivery, event, reason, error);
    metrics.dead.inc({ service, reason });
    log.error(
      { identity: event.identity, key: event.routingKey, attempt: event.attempt, outcome: reason, reason: error },
      "delivery given up",
    );
    if (Date.now() < event.deadline) await outbox.reply(event, success);
    return { outcome: reason, error };
  }

  /** The backend does not handle this kind: no fault, told once an hour. */
  async function leave(delivery: Delivery, event: Event, error: string): Promise<Ended> {
    if (account.unhandled === "dead-letter") return bury(delivery, event, "unhandled", error);
    const key = keyLabel(event.routingKey);
    if (Date.now() - (warnedAt.get(key) ?? 0) > HOUR) {
      warnedAt.set(key, Date.now());
      log.warn({ key: event.routingKey, reason: error }, "the backend does not handle this kind of event");
    }
    await outbox.reply(event, success);
    return { outcome: "unhandled", error };
  }
}

/** The delivery as a copy of it is to say how often it was tried. */
function withAttempt(delivery: Delivery, attempt: number): Delivery {
  const { properties } = delivery;
  return {
    ...delivery,
    properties: { ...properties, headers: { ...properties.headers, [header.attempt]: attempt } },
  };
}

/** A copy that met an open breaker comes back with its attempt uncounted, but it has been fanned out. */
function isFirst({ properties }: Delivery, { attempt }: Event): boolean {
  return attempt === 1 && properties.headers?.[header.error] === undefined;
}
