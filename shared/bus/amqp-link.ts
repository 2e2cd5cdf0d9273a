import type { Duplex } from "node:stream";
import { connect, type ChannelModel, type Options, type RecoveringChannelModel } from "amqplib";
import type { AmqpConfig } from "../config/config.ts";
import type { Logger } from "../log.ts";
import { reasonOf } from "../reason-of.ts";
import { parseUrl } from "./amqp-url.ts";
import { connectFaultOf } from "./connect-fault.ts";
import { Signal, until, within } from "./waiting.ts";

const CONNECT_TIMEOUT = 5000;
/** The longest that a timer can be. */
const FOREVER = 2 ** 31 - 1;

/** One connection to the broker that comes back by itself, trying every URL in turn. */
export interface Link {
  readonly model: RecoveringChannelModel;
  readonly connected: boolean;
  /** True as soon as it is connected; false after `timeout` ms (default: no limit) or when closed. */
  isUp(timeout?: number): Promise<boolean>;
  onConnected(listener: () => void): void;
  /** Under a memory or disk alarm the broker reads nothing more from publishers. */
  readonly blocked: boolean;
  onUnblocked(listener: () => void): void;
  /** Takes leave of the broker; one that does not answer within `timeout` ms is left without. */
  close(timeout: number): Promise<void>;
}

/** Resolves at once, before the first connection is there. `name` is what the broker's management pages show. */
export async function createLink(config: AmqpConfig, name: string, log: Logger): Promise<Link> {
  const endpoints = config.urls.map(parseUrl);
  let turn = 0;
  let blocked = false;
  let socket: Duplex | undefined;
  let closed = false;
  const connected = new Signal();
  // amqplib reads this object at each attempt, so the next broker's address is put into it
  const endpoint: Options.Connect = { ...endpoints[0] };
  const nextEndpoint = (): void => void Object.assign(endpoint, endpoints[++turn % endpoints.length]);

  const model = await connect(endpoint, {
    ...config.tls,
    noDelay: true,
    keepAlive: true,
    timeout: CONNECT_TIMEOUT,
    clientProperties: { connection_name: name },
    recovery: { initialDelay: 100, maxDelay: 5000, waitForConnect: false },
  });
  listenFromTheStart(model);
  model.on("connect", (connection) => {
    socket = socketOf(connection);
    if (socket) writeTogether(socket);
    log.info({ broker: `${endpoint.hostname}:${endpoint.port}`, connection: name }, "broker connected");
    connected.notify();
  });
  model.on("connect-failed", (error) => {
    log.warn(
      {
        broker: `${endpoint.hostname}:${endpoint.port}`,
        connection: name,
        reason: connectFaultOf(reasonOf(error), endpoint),
      },
      "broker unreachable, trying again",
    );
    nextEndpoint();
  });
  model.on("disconnect", (error) => {
    blocked = false;
    socket?.destroy(); // amqplib only ends it, and to a black hole that takes many minutes
    socket = undefined;
    log.warn({ connection: name, reason: reasonOf(error) }, "broker connection lost");
    nextEndpoint();
  });
  model.on("error", () => {}); // every loss is also told as a disconnect
  model.on("blocked", (reason) => {
    blocked = true;
    log.warn({ connection: name, reason }, "broker blocks publishing (memory or disk alarm)");
  });
  model.on("unblocked", () => {
    blocked = false;
    log.info({ connection: name }, "broker takes messages again");
  });

  return {
    model,
    get connected() {
      return socket !== undefined;
    },
    isUp: async (timeout = FOREVER) =>
      (await until(connected, () => (closed ? false : socket && true), timeout)) ?? false,
    onConnected: (listener) => void model.on("connect", listener),
    get blocked() {
      return blocked;
    },
    onUnblocked: (listener) => void model.on("unblocked", listener),
    async close(timeout) {
      closed = true;
      connected.notify();
      await within(timeout, model.close()).catch(() => {});
      socket?.destroy(new Error("the broker did not answer")); // an error stops amqplib's heartbeats, too
      socket = undefined;
    },
  };
}

/**
 * A connection that comes after `close` amqplib closes without listening to its errors: Node would end the process should
 * it break at that moment. amqplib keeps to itself how it opens them.
 */
function listenFromTheStart(model: RecoveringChannelModel): void {
  const opening = "_openModel";
  const { _core: core } = model as unknown as { _core: Record<typeof opening, () => Promise<ChannelModel>> };
  const open = core[opening];
  core[opening] = async () => {
    const opened = await open();
    opened.on("error", () => {}); // who uses it has listeners of their own
    return opened;
  };
}

/** amqplib keeps it to itself, and has no way to give up a connection without the broker's consent. */
function socketOf(connection: ChannelModel): Duplex | undefined {
  return (connection as unknown as { connection: { stream?: Duplex } }).connection.stream;
}

/**
 * amqplib writes each frame by itself, which costs a call of the kernel and wakes the broker each time. What it writes in
 * one go leaves as one, before anything else is done.
 */
function writeTogether(socket: Duplex): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked = false;
  socket.write = (...args: unknown[]): boolean => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(() => {
        corked = false;
        socket.uncork();
      });
    }
    return write(...args);
  };
}
