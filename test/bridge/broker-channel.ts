import { connect, type Channel } from "amqplib";
import type { Closing } from "../support/loopback-server.ts";
import { brokerUrl } from "./system.ts";

/** A channel on the tests' broker, whose connection ends with the test. */
export async function openChannel(t: Closing): Promise<Channel> {
  const connection = await connect(brokerUrl());
  t.after(() => connection.close());
  return connection.createChannel();
}
