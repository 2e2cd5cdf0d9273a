import { obtainBroker } from "../../test/support/broker.ts";
import { describeBroker } from "./machine.ts";
import type { Stage } from "./stage.ts";

/** A real RabbitMQ, the one in AMQP_URL or one that ends with the case, and its version. */
export async function startBroker(stage: Stage): Promise<{ url: string; version: string }> {
  const { url, rung, stop } = await obtainBroker();
  stage.after(stop);
  const version = await describeBroker(url);
  stage.say(`broker: ${version}, ${rung}`);
  return { url, version };
}
