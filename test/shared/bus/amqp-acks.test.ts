import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { connect, type ConsumeMessage } from "amqplib";
import { createAcks } from "../../../shared/bus/amqp-acks.ts";
import { createArrivals } from "../../support/arrivals.ts";

const COUNT = 10;
const PREFETCH = 100;

test("acks of a moment go as one frame", async (t) => {
  const { acks, frames, messages, left } = await consume(t);
  for (const message of messages.toReversed()) acks.ack(message);
  assert.deepEqual(frames.all, [], "the first ones wait for the others");
  await frames.next();
  assert.deepEqual(await left(), []);
  assert.deepEqual(frames.all, ["up to 9"]);
});

test("those before a delivery still open go as one frame, those behind it one by one, and it comes again", async (t) => {
  const { acks, frames, messages, left } = await consume(t);
  const [three, five] = [messages[3], messages[5]] as [ConsumeMessage, ConsumeMessage];
  for (const message of messages) if (message !== three && message !== five) acks.ack(message);
  acks.flush();
  acks.ack(five);
  acks.flush();
  assert.deepEqual(frames.all, ["up to 2", "4", "6", "7", "8", "9", "5"]);
  assert.deepEqual(await left(), ["3"]);
});

test("as many acks as may be open at all do not wait, and the next one waits again", async (t) => {
  const { acks, frames, messages } = await consume(t, COUNT - 1);
  for (const message of messages) acks.ack(message);
  assert.deepEqual(frames.all, ["up to 8"]);
  assert.deepEqual(await frames.next(2), ["up to 8", "up to 9"]);
});

test("each ack goes out in a moment, also after others have", async (t) => {
  const { acks, frames, messages } = await consume(t);
  for (const [i, message] of messages.slice(0, 3).entries()) {
    acks.ack(message);
    assert.deepEqual(await frames.next(), [`up to ${i}`]);
  }
});

test("what is rejected goes at once, and the others still go as one frame", async (t) => {
  const { acks, frames, messages, left } = await consume(t);
  const [first, ...others] = messages;
  acks.nack(first as ConsumeMessage, false);
  for (const message of others) acks.ack(message);
  acks.flush();
  assert.deepEqual(frames.all, ["up to 9"]);
  assert.deepEqual(await left(), []);
});

const bodyOf = ({ content }: ConsumeMessage): string => content.toString();

/** Ten messages, 0 to 9, from a queue of their own, the acks that go out for them, and what then is left to come again. */
async function consume(t: TestContext, prefetch = PREFETCH) {
  const connection = await connect(process.env["AMQP_URL"] ?? "amqp://127.0.0.1");
  t.after(() => connection.close());
  const channel = await connection.createChannel();
  const frames = createArrivals<string>("acks");
  const ack = channel.ack.bind(channel);
  channel.ack = (message, allUpTo = false) => {
    frames.add(`${allUpTo ? "up to " : ""}${bodyOf(message as ConsumeMessage)}`);
    ack(message, allUpTo);
  };
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const deliveries = createArrivals<ConsumeMessage>("deliveries");
  const acks = createAcks(channel, prefetch);
  await channel.consume(queue, (message) => message && deliveries.add(message));
  for (let i = 0; i < COUNT; i++) channel.sendToQueue(queue, Buffer.from(String(i)));
  const messages = await deliveries.next(COUNT);
  for (const message of messages) acks.delivered(message);

  async function left(): Promise<string[]> {
    await channel.recover(); // gives back what is not acked, in front of what is sent now
    channel.sendToQueue(queue, Buffer.from("end"));
    const bodies: string[] = [];
    while (bodies.at(-1) !== "end") bodies.push(...(await deliveries.next()).map(bodyOf));
    return bodies.slice(0, -1);
  }

  return { acks, frames, messages, left };
}
