import type { Bus, Consumer, Delivery } from "../shared/bus/bus.ts";
import type { Account } from "../shared/config/config.ts";
import { openidIn } from "../shared/envelope.ts";
import { createWorkList } from "../shared/work-list.ts";
import type { Lanes } from "./lanes.ts";

/** Takes an account's deliveries from a queue; each one is worked on until it is ended or given back. */
export type Intake = (queue: string) => Consumer;

export interface IntakeParts {
  account: Account;
  bus: Bus;
  /** `since` is when the delivery came, by `performance.now()`. */
  deliver: (delivery: Delivery, since: number) => Promise<void>;
  /** What is watched is given its time at shutdown. */
  watch: (working: Promise<void>) => void;
  giveBack: (delivery: Delivery, error: unknown) => void;
}

/** As many as `concurrency` allows, whatever their order. */
export function createIntake({ account, bus, deliver, watch, giveBack }: IntakeParts): Intake {
  const { concurrency } = account;

  function work(delivery: Delivery, since: number): Promise<void> {
    const working = deliver(delivery, since).catch((error: unknown) => giveBack(delivery, error));
    watch(working);
    return working;
  }

  return (queue) => {
    const list = createWorkList(concurrency, concurrency);
    const consumer = bus.consume(queue, { prefetch: concurrency }, (delivery) => {
      const since = performance.now();
      list.add(delivery, () => work(delivery, since));
    });
    return {
      async cancel() {
        void list.stop();
        await consumer.cancel();
        list.giveBack();
      },
      close: () => consumer.close(),
    };
  };
}

/** Deliveries taken for each that may be in flight: room for those that wait for the user's earlier ones. */
const ROOM_TO_WAIT = 4;
const MAX_PREFETCH = 65_535;

/** Users side by side, each one's events in their order. */
export function createOrderedIntake(parts: IntakeParts, lanes: Lanes): Intake {
  const { account, bus, deliver, watch, giveBack } = parts;
  const prefetch = Math.min(account.concurrency * ROOM_TO_WAIT, MAX_PREFETCH);

  async function work(delivery: Delivery, since: number): Promise<void> {
    if (delivery.isGone()) return;
    const working = deliver(delivery, since).catch((error: unknown) => {
      // At shutdown all go back together when the consumer closes: one alone would come back behind the later ones.
      if (!lanes.stopped) giveBack(delivery, error);
    });
    watch(working);
    await working;
  }

  return (queue) => {
    const consumer = bus.consume(queue, { prefetch }, (delivery) => {
      const since = performance.now();
      lanes.add(userOf(delivery), () => work(delivery, since));
    });
    return {
      // The queue's next consumer is not to begin before this one has ended what it has begun, so it stays for now.
      cancel: async () => lanes.stop(),
      close: () => consumer.close(),
    };
  };
}

/** Whose event it is. Nobody's, such as WeChat's own notices, have a lane each. */
function userOf({ body, properties: { messageId = "" } }: Delivery): string {
  const openid = openidIn(body);
  return openid === "" ? `event ${messageId}` : `user ${openid}`;
}
