import { createNames } from "../bus/names.ts";
import { bridgeTopology, replyTopology } from "../bus/bridge-topology.ts";
import { mergeTopologies, type Topology } from "../bus/topology.ts";
import type { Account } from "../config/config.ts";
import { eventMessages } from "./messages.ts";

type Channel = Record<string, unknown>;

const routingKey = {
  description: "msg.<MsgType>, event.<Event> or info.<InfoType>, trimmed, in WeChat's own case; bind with * and #",
  examples: ["msg.text", "event.CLICK", "info.authorized"],
};
const service = { description: "The service name of an account" };

/** Every exchange and queue of the contract below one prefix, with the arguments they are declared with. */
export function createChannels(prefix: string): Record<string, Channel> {
  const names = createNames(prefix);
  const topology = sampleTopology(prefix, "none");
  const exchange = (name: string, description: string, messages: readonly string[] = eventMessages): Channel => ({
    address: "{routingKey}",
    description,
    parameters: { routingKey },
    messages: refs(messages),
    ...boundFrom(topology, name),
    bindings: { amqp: { is: "routingKey", exchange: exchangeOf(topology, name), bindingVersion: "0.3.0" } },
  });
  const queue = (name: string, description: string, messages = eventMessages, within = topology): Channel => ({
    address: name,
    description,
    ...parametersOf(name),
    messages: refs(messages),
    ...boundFrom(within, name),
    bindings: { amqp: { is: "queue", queue: queueOf(within, name), bindingVersion: "0.3.0" } },
  });
  const { parameters: _, ...replies } = exchange(names.replies, "Replies; the routing key is the event's reply_to", [
    "reply",
  ]);

  return {
    events: exchange(names.events, "Every push of every account: bind your queue here"),
    eventsOfService: exchange(names.eventsOf("{service}"), "One account's pushes; the gateway publishes here"),
    enriched: exchange(
      names.enriched,
      "The same events after the dispatcher added userInfo, of accounts with fan-out: bind your queue here",
    ),
    enrichedOfService: exchange(names.enrichedOf("{service}"), "One account's events with userInfo"),
    replies: { ...replies, address: null },
    replyQueue: queue(names.repliesOf("{instance}"), "Replies to one gateway; its name is reply_to", ["reply"]),
    lateReplies: queue(names.lateReplies, "Replies that missed the answer", ["lateReply"]),
    dispatch: queue(names.dispatchOf("{service}"), "The dispatcher's work", [...eventMessages, "retry"]),
    dispatchOrdered: queue(
      names.orderedOf("{service}"),
      "The same of an account with ordering: user, for one dispatcher process at a time",
      eventMessages,
      sampleTopology(prefix, "user"),
    ),
    retry: queue(
      names.retryOf("{delay}"),
      "What waits, in the order it came; entered through an exchange of that name",
      ["retry", "lateReply"],
    ),
    dead: queue(names.dead, "Deliveries that were given up", ["deadLetter"]),
    unrouted: queue(names.unrouted, "Pushes that no queue was bound for"),
  };
}

/** The topology of one account whose names are the document's parameters. */
function sampleTopology(amqpPrefix: string, ordering: Account["ordering"]): Topology {
  const account = {
    name: "{service}",
    delivery: "http",
    fanOut: true,
    lateReply: "drop",
    ordering,
    retry: [{ name: "{delay}", ms: 0 }],
  } as unknown as Account;
  return mergeTopologies(
    bridgeTopology({ accounts: [account], amqpPrefix }),
    replyTopology(createNames(amqpPrefix), "{instance}"),
  );
}

function refs(messages: readonly string[]): Record<string, { $ref: string }> {
  return Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function exchangeOf({ exchanges }: Topology, name: string): object {
  const declared = exchanges.find((exchange) => exchange.name === name);
  if (declared === undefined) throw new Error(`no exchange ${name} is declared`);
  const { type, arguments: given } = declared;
  return { name, type, durable: true, autoDelete: false, ...(given ? { "x-arguments": given } : {}) };
}

function queueOf({ queues }: Topology, name: string): object {
  const declared = queues.find((queue) => queue.name === name);
  if (declared === undefined) throw new Error(`no queue ${name} is declared`);
  const given = { ...declared.arguments };
  if (name.endsWith("{delay}")) given["x-message-ttl"] = "{delay}"; // in ms, and so a number
  return { name, durable: true, exclusive: false, autoDelete: false, "x-arguments": given };
}

function boundFrom({ bindings }: Topology, name: string): object {
  const bound = bindings.filter(({ destination }) => destination === name);
  return bound.length === 0 ? {} : { "x-bindings": bound.map(({ source, routingKey }) => ({ source, routingKey })) };
}

const parameters: Record<string, object> = {
  service,
  instance: { description: "One gateway: 128 random bits in hexadecimal" },
  delay: { description: "How long the message waits, as the account's retry says", examples: ["10s", "1m"] },
};

function parametersOf(address: string): object {
  const names = [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  return names.length === 0 ? {} : { parameters: Object.fromEntries(names.map((name) => [name, parameters[name]])) };
}
