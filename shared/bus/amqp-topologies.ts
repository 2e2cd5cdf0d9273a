import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../failure.ts";
import type { Logger } from "../log.ts";
import { reasonOf } from "../reason-of.ts";
import { declareTopologies, type Refusal } from "./amqp-declare.ts";
import type { Link } from "./amqp-link.ts";
import type { OutgoingMessage } from "./bus.ts";
import { topicMatches } from "./topic.ts";
import type { Topology } from "./topology.ts";
import { within } from "./waiting.ts";

const RETRY_PAUSE = 50;
const RESTORE_EVERY = 1000;

/** What came of a topology's last declaration. */
interface Declared {
  /** Which of all declarations it was. */
  number: number;
  refusals: string[];
}

/** What is to be there on the broker: declared when it is asked for, and anew on each connection that comes. */
export class AmqpTopologies {
  readonly #link: Link;
  readonly #log: Logger;
  #topologies: Topology[] = [];
  readonly #declared = new WeakMap<Topology, Declared>();
  /** Refused declarations that were logged since the connection came: each channel that opens may bring them again. */
  readonly #told = new Set<string>();
  #declarations = 0;
  #restoredAt = -Infinity;
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: Link, log: Logger) {
    this.#link = link;
    this.#log = log;
    // Before any consumer has its channel: they all wait for this one run.
    link.onConnected(() => {
      this.#told.clear();
      this.redeclare().catch((error: unknown) => log.warn({ reason: reasonOf(error) }, "topology not restored yet"));
    });
  }

  /** Rejects with CONFIG_INVALID when the broker refuses a part, with NOT_HELD when it is away for `timeout` ms. */
  async declare(topology: Topology, { timeout }: { timeout: number }): Promise<void> {
    if (!this.#topologies.includes(topology)) this.#topologies.push(topology); // its declaration may be tried again
    const refusals = await within(timeout, this.#declareUntil(performance.now() + timeout, topology));
    if (refusals.length > 0) {
      throw new Failure("CONFIG_INVALID", `the broker refuses a declaration: ${refusals.join("; ")}`);
    }
  }

  /** Everything again. After an outage all ask at once, and the first one does it for all. */
  async redeclare(): Promise<void> {
    if (await this.#link.isUp()) await this.#declare(() => this.#topologies);
  }

  /**
   * Declares everything again when a message came back that one of the queues should have taken: somebody has deleted it.
   * Resolves to whether that was so; not more often than once a second, as it may come back all the same.
   */
  async restoreFor(message: Pick<OutgoingMessage, "exchange" | "routingKey">): Promise<boolean> {
    if (performance.now() - this.#restoredAt < RESTORE_EVERY) return false;
    if (!this.#topologies.some((topology) => shouldTake(topology, message))) return false;
    await this.#declare(() => this.#topologies); // in their order: a later one may undo a binding
    this.#restoredAt = performance.now();
    return true;
  }

  /** A queue that is deleted on purpose is not to come back with the next connection. */
  forgetQueue(queue: string): void {
    this.#topologies = this.#topologies.map((topology) => withoutQueue(topology, queue)).filter(declaresAnything);
  }

  /** Never at the same time as a declaration, which could undo a deletion. */
  oneByOne<T>(act: () => Promise<T>): Promise<T> {
    const acting = this.#last.then(act, act);
    this.#last = acting.catch(() => {});
    return acting;
  }

  /** Over connections that are lost meanwhile. Resolves to what the broker refuses. */
  async #declareUntil(deadline: number, topology: Topology): Promise<string[]> {
    for (;;) {
      const left = Math.max(deadline - performance.now(), 0);
      if (!(await this.#link.isUp(left))) throw new Failure("NOT_HELD", "the broker is away");
      try {
        await this.#declare(() => [topology]);
        return this.#declared.get(topology)?.refusals ?? [];
      } catch (error) {
        if (performance.now() >= deadline) throw error;
        await sleep(RETRY_PAUSE); // what broke the connection may be told a little later than what it broke
      }
    }
  }

  /** Declares what is wanted, save what others have declared since this was asked for. */
  #declare(wanted: () => readonly Topology[]): Promise<void> {
    const askedAfter = this.#declarations;
    return this.oneByOne(async () => {
      const missing = wanted().filter((topology) => (this.#declared.get(topology)?.number ?? 0) <= askedAfter);
      const refusals = await declareTopologies(missing, this.#link);
      this.#tell(refusals);
      const number = ++this.#declarations;
      for (const topology of missing) {
        const own = refusals.filter((refusal) => refusal.topology === topology);
        this.#declared.set(topology, {
          number,
          refusals: own.map(({ declaration, reason }) => `${declaration}: ${reason}`),
        });
      }
    });
  }

  #tell(refusals: Refusal[]): void {
    for (const { declaration, reason } of refusals) {
      if (!this.#told.has(declaration)) this.#log.error({ declaration, reason }, "the broker refuses a declaration");
      this.#told.add(declaration);
    }
  }
}

/** Whether a queue of the topology is where the message goes by it. */
function shouldTake({ queues, bindings }: Topology, to: Pick<OutgoingMessage, "exchange" | "routingKey">): boolean {
  if (to.exchange === "") return queues.some(({ name }) => name === to.routingKey);
  // Bound without a key: to a fanout exchange.
  const matches = (pattern: string): boolean => pattern === "" || topicMatches(pattern, to.routingKey);
  return bindings.some(
    (binding) => binding.to === "queue" && binding.source === to.exchange && matches(binding.routingKey),
  );
}

function withoutQueue(topology: Topology, queue: string): Topology {
  const isOther = ({ to, destination }: Topology["bindings"][number]): boolean =>
    to !== "queue" || destination !== queue;
  if (topology.queues.every(({ name }) => name !== queue)) return topology;
  return {
    exchanges: topology.exchanges,
    queues: topology.queues.filter(({ name }) => name !== queue),
    bindings: topology.bindings.filter(isOther),
    unbindings: topology.unbindings.filter(isOther),
  };
}

function declaresAnything({ exchanges, queues, bindings, unbindings }: Topology): boolean {
  return [exchanges, queues, bindings, unbindings].some((declarations) => declarations.length > 0);
}
