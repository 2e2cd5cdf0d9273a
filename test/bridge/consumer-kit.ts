import { randomBytes } from "node:crypto";
import { createConsumer, type Consumer, type ConsumerOptions } from "../../shared/consumer/consumer.ts";
import type { Closing } from "../support/loopback-server.ts";
import { createTestLog } from "../shared/bus/test-log.ts";
import { openChannel } from "./broker-channel.ts";
import { brokerUrl, type System } from "./system.ts";

/** Pushes of one user in XML. */
export const text = (content: string, user = "oUSER1"): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>${user}</FromUserName><CreateTime>1700000001</CreateTime>
<MsgType>text</MsgType><Content>${content}</Content><MsgId>${randomBytes(6).readUIntBE(0, 6)}</MsgId></xml>`;
export const event = (name: string, key = "K", user = "oUSER1"): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>${user}</FromUserName><CreateTime>1700000001</CreateTime>
<MsgType>event</MsgType><Event>${name}</Event><EventKey>${key}</EventKey></xml>`;

export interface Kit {
  consumer: Consumer;
  queue: string;
  lines: ReturnType<typeof createTestLog>["lines"];
}

/** A consumer of the kit for a bridge, with a queue that goes with the test. */
export function createKit(t: Closing, system: System, options: Partial<ConsumerOptions> = {}): Kit {
  const queue = options.queue ?? `${system.prefix}-kit-${randomBytes(4).toString("hex")}`;
  const { log, lines } = createTestLog();
  const consumer = createConsumer({ url: brokerUrl(), prefix: system.prefix, log, queue, ...options });
  t.after(async () => {
    await consumer.close(0);
    const channel = await openChannel(t);
    await channel.deleteQueue(queue);
    for (const delay of options.retry ?? []) {
      await channel.deleteExchange(`${system.prefix}.retry.${delay}`);
      await channel.deleteQueue(`${system.prefix}.retry.${delay}`);
    }
  });
  return { consumer, queue, lines };
}
