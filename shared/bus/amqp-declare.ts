import type { Channel } from "amqplib";
import { reasonOf } from "../reason-of.ts";
import type { Link } from "./amqp-link.ts";
import { openChannel } from "./open-channel.ts";
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
  declaration: string;
  run: (channel: Channel) => Promise<unknown>;
}

/**
 * Declares topologies on channels of their own. What the broker refuses (a 4xx) is returned, and the rest declared
 * nevertheless; throws when the connection is lost.
 */
export async function declareTopologies(topologies: readonly Topology[], link: Link): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const steps of stagesOf(topologies)) {
    const left = steps.values();
    await Promise.all(steps.slice(0, CHANNELS).map(() => take(left, link, refusals)));
  }
  return refusals;
}

/** Works off steps, together with others, on a channel of its own; a refusal costs the channel. */
async function take(steps: Iterable<Step>, link: Link, refusals: Refusal[]): Promise<void> {
  let channel: Channel | undefined;
  try {
    for (const { topology, declaration, run } of steps) {
      channel ??= await openChannel(link);
      try {
        await run(channel);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusals.push({ topology, declaration, reason: reasonOf(error) });
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
        declaration: `exchange ${name}`,
        run: (channel: Channel) => channel.assertExchange(name, type, { durable: true, arguments: args }),
      })),
      ...queues.map(({ name, arguments: args }) => ({
        declaration: `queue ${name}`,
        run: (channel: Channel) => channel.assertQueue(name, { durable: true, arguments: args }),
      })),
    ]),
    each(({ bindings }) =>
      bindings.map(({ source, destination, to, routingKey }) => ({
        declaration: `binding of ${to} ${destination} to ${source}`,
        run: (channel: Channel) =>
          to === "queue"
            ? channel.bindQueue(destination, source, routingKey)
            : channel.bindExchange(destination, source, routingKey),
      })),
    ),
    each(({ unbindings }) =>
      unbindings.map(({ source, destination, to, routingKey }) => ({
        declaration: `unbinding of ${to} ${destination} from ${source}`,
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
