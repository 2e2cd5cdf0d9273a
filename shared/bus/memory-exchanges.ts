import { Failure } from "../failure.ts";
import { topicMatches } from "./topic.ts";
import type { BindingDeclaration, ExchangeDeclaration, Topology } from "./topology.ts";

interface Exchange extends ExchangeDeclaration {
  bindings: BindingDeclaration[];
}

/** The exchanges of the in-process bus and what is bound to them, with RabbitMQ's routing rules. */
export class MemoryExchanges {
  readonly #exchanges = new Map<string, Exchange>();

  has(name: string): boolean {
    return this.#exchanges.has(name);
  }

  /** Throws CONFIG_INVALID when a binding's source is not there. */
  declare({ exchanges, bindings, unbindings }: Topology): void {
    for (const exchange of exchanges) {
      if (!this.has(exchange.name)) this.#exchanges.set(exchange.name, { ...exchange, bindings: [] });
    }
    for (const binding of bindings) {
      this.#unbind(binding);
      this.#exchange(binding.source).bindings.push(binding);
    }
    for (const binding of unbindings) this.#unbind(binding);
  }

  unbindQueue(queue: string): void {
    for (const exchange of this.#exchanges.values()) {
      exchange.bindings = exchange.bindings.filter(({ to, destination }) => to !== "queue" || destination !== queue);
    }
  }

  /** Names of the queues that a message gets into, each once; none when the exchange is not there. */
  queuesOf(exchange: string, routingKey: string): ReadonlySet<string> {
    const queues = new Set<string>();
    if (exchange === "") queues.add(routingKey);
    else this.#collect(exchange, routingKey, queues, new Set());
    return queues;
  }

  #collect(name: string, routingKey: string, queues: Set<string>, visited: Set<string>): void {
    if (visited.has(name)) return;
    visited.add(name);
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) return; // as RabbitMQ does with dead letters and alternate exchanges
    const bindings = exchange.bindings.filter((binding) => bindingMatches(exchange.type, binding, routingKey));
    for (const { to, destination } of bindings) {
      if (to === "queue") queues.add(destination);
      else this.#collect(destination, routingKey, queues, visited);
    }
    const alternate = exchange.arguments?.["alternate-exchange"];
    if (bindings.length === 0 && typeof alternate === "string") this.#collect(alternate, routingKey, queues, visited);
  }

  #exchange(name: string): Exchange {
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) throw new Failure("CONFIG_INVALID", `there is no exchange ${name}`);
    return exchange;
  }

  #unbind(gone: BindingDeclaration): void {
    const exchange = this.#exchanges.get(gone.source);
    if (exchange === undefined) return;
    exchange.bindings = exchange.bindings.filter(
      ({ destination, to, routingKey }) =>
        destination !== gone.destination || to !== gone.to || routingKey !== gone.routingKey,
    );
  }
}

function bindingMatches(type: ExchangeDeclaration["type"], binding: BindingDeclaration, routingKey: string): boolean {
  if (type === "fanout") return true;
  return type === "direct" ? binding.routingKey === routingKey : topicMatches(binding.routingKey, routingKey);
}
