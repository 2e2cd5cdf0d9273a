import { connect, type ChannelModel, type ConfirmChannel, type Options } from "amqplib";
import { parseUrl } from "../shared/bus/amqp-url.ts";
import { connectFaultOf } from "../shared/bus/connect-fault.ts";
import type { AmqpConfig } from "../shared/config/config.ts";
import { reasonOf } from "../shared/reason-of.ts";

const CONNECT_TIMEOUT = 5000;

/** A connection for one command: it does not come back, so that what was not finished is told and not repeated. */
export interface BrokerSession {
  readonly model: ChannelModel;
  /** Calls `listener` once when the connection ends by itself. */
  onLost(listener: (error: Error) => void): void;
  /** Publishes to a queue by its name. Resolves when the queue holds it; rejects when there is no such queue. */
  publish(queue: string, body: Buffer, properties: Options.Publish): Promise<void>;
  close(): Promise<void>;
}

/** Connects to the first broker that answers. Throws with the reason of each one. */
export async function openBrokerSession({ urls, tls }: AmqpConfig, name: string): Promise<BrokerSession> {
  const model = await connectToOne(urls, { ...tls, name });
  model.on("error", () => {}); // the close event tells
  let publisher: Promise<ReturnType<typeof createPublisher>> | undefined;
  return {
    model,
    onLost: (listener) =>
      void model.once("close", (error) =>
        listener(new Error(`the broker is gone (${error ? reasonOf(error) : "closed"})`)),
      ),
    async publish(queue, body, properties) {
      publisher ??= model.createConfirmChannel().then(createPublisher);
      await (
        await publisher
      )(queue, body, properties);
    },
    close: () => model.close().catch(() => {}),
  };
}

async function connectToOne(urls: string[], { name, ...tls }: object & { name: string }): Promise<ChannelModel> {
  const reasons: string[] = [];
  for (const address of urls.map(parseUrl)) {
    try {
      const clientProperties = { connection_name: name };
      return await connect(address, { ...tls, noDelay: true, timeout: CONNECT_TIMEOUT, clientProperties });
    } catch (error) {
      reasons.push(`${address.hostname}:${address.port}: ${connectFaultOf(reasonOf(error), address)}`);
    }
  }
  throw new Error(`no broker answers (${reasons.join("; ")})`);
}

function createPublisher(channel: ConfirmChannel) {
  const missing = new Set<string>();
  channel.on("error", () => {}); // the confirms tell
  channel.on("return", ({ fields }) => missing.add(fields.routingKey)); // always before the confirm

  return (queue: string, body: Buffer, properties: Options.Publish): Promise<void> =>
    new Promise((resolve, reject) => {
      channel.publish("", queue, body, properties, (error: unknown) => {
        if (error) reject(new Error(`the broker does not take it (${reasonOf(error)})`));
        else if (missing.has(queue)) reject(new Error(`there is no queue ${queue}`));
        else resolve();
      });
    });
}
