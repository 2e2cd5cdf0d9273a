import type { Channel } from "amqplib";
import { reasonOf } from "../reason-of.ts";
import type { Topology } from "./topology.ts";

/** amqplib waits for each answer on a channel; several channels make the start with many accounts quick. */
const CHANNELS = 4;

/** What the broker refused of a topology. */
export interface Refusal {
  topology: Topology;
  declaration: string;
  reason: string;
}

interface Step {
  topology: Topology;
  what: string;
  run(channel: Channel): Promise<unknown>;
}

/**
 * Declares topologies, each on channels that `open` makes. What the broker refuses (a 4xx) is returned, and the rest
 * declared nevertheless; throws when the connection is lost.
 */
export async function declareTopologies(
  topologies: readonly Topology[],
  open: () => Promise<Channel>,
): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  const onRefused = (step: Step, error: unknown): void => {
    refusals.push({ topology: step.topology, declaration: step.what, reason: reasonOf(error) });
  };
  for (const steps of stagesOf(topologies)) {
    const queue = steps.values();
    await Promise.all(steps.slice(0, CHANNELS).map(() => take(queue, open, onRefused)));
  }
  return refusals;
}

/** Works off steps, together with others, on a channel of its own; a refusal costs the channel. */
async function take(
  steps: Iterator<Step>,
  open: () => Promise<Channel>,
  onRefused: (step: Step, error: unknown) => void,
): Promise<void> {
  let channel: Channel | undefined;
  try {
    for (let next = steps.next(); !next.done; next = steps.next()) {
      channel ??= await open();
      try {
        await next.value.run(channel);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        onRefused(next.value, error);
        channel = undefined;
      }
    }
  } finally {
    channel?.close().catch(() => {}); // not awaited: amqplib never tells when the connection is lost meanwhile
  }
}

/** Bindings need both their ends; apart from that the order does not matter. */
function stagesOf(topologies: readonly Topology[]): Step[][] {
  const each = (steps: (topology: Topology) => Omit<Step, "topology">[]): Step[] =>
    topologies.flatMap((topology) => steps(topology).map((step) => ({ topology, ...step })));
  return [
    each(({ exchanges, queues }) => [
      ...exchanges.map(({ name, type, arguments: args }) => ({
        what: `exchange ${name}`,
        run: (channel: Channel) => channel.assertExchange(name, type, { durable: true, arguments: args }),
      })),
      ...queues.map(({ name, arguments: args }) => ({
        what: `queue ${name}`,
        run: (channel: Channel) => channel.assertQueue(name, { durable: true, arguments: args }),
      })),
    ]),
    each(({ bindings }) =>
      bindings.map(({ source, destination, to, routingKey }) => ({
        what: `binding of ${to} ${destination} to ${source}`,
        run: (channel: Channel) =>
          to === "queue"
            ? channel.bindQueue(destination, source, routingKey)
            : channel.bindExchange(destination, source, routingKey),
      })),
    ),
    each(({ unbindings }) =>
      unbindings.map(({ source, destination, to, routingKey }) => ({
        what: `unbinding of ${to} ${destination} from ${source}`,
        run: (channel: Channel) =>
          to === "queue"
            ? channel.unbindQueue(destination, source, routingKey)
            : channel.unbindExchange(destination, source, routingKey),
      })),
    ),
  ];
}

/** Whether the broker said no (a 4xx), and is there. */
export function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === "number" && code >= 400 && code < 500;
}
