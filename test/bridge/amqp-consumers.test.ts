import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { Channel, ConsumeMessage } from "amqplib";
import { createBackend } from "../support/backend-server.ts";
import { until } from "../support/until.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { openChannel } from "./broker-channel.ts";
import { subscribe } from "./subscribers.ts";
import { createSystem, type LogLine, type System } from "./system.ts";

const click = (user: string, key: string): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>${user}</FromUserName><CreateTime>1700000001</CreateTime>
<MsgType>event</MsgType><Event>CLICK</Event><EventKey>${key}</EventKey></xml>`;

void test("a consumer in its own words: gets the contract's properties, replies, and WeChat has the answer", async (t) => {
  const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "shop", delivery: "amqp" }] });
  const channel = await openChannel(t);
  const queue = await bind(channel, `${system.prefix}.events`, "event.CLICK");
  const messages = collect(channel, queue, (message) => {
    const { replyTo, correlationId } = message.properties as { replyTo: string; correlationId: string };
    const reply = Buffer.from('{"type":"text","msg":"from a consumer"}');
    channel.publish(`${system.prefix}.replies`, replyTo, reply, { correlationId });
  });
  const sentAt = Date.now();
  const answer = await system.wechat("shop").push(click("oUSER1", "K"));
  assert.equal(parseReply(answer.opened)["Content"], "from a consumer");

  const [message] = messages as [ConsumeMessage];
  const { headers, ...properties } = message.properties;
  const {
    "x-wx-deadline": deadline,
    "x-wx-budget": budget,
    traceparent,
    ...fixed
  } = headers as Record<string, unknown>;
  const identity = properties.messageId as string;
  assert.match(identity, /^shop\/oUSER1\/1700000001\.CLICK\.[A-Za-z0-9_-]{22}$/);
  assert.deepEqual(given(properties), {
    contentType: "application/json",
    deliveryMode: 2,
    correlationId: identity,
    messageId: identity,
    replyTo: properties.replyTo,
    timestamp: 1700000001,
    type: "event.CLICK",
    appId: "wxba5fad812f8e6fb9",
  });
  assert.match(String(properties.replyTo), new RegExp(`^${system.prefix}\\.replies\\.[0-9a-f]{32}$`));
  assert.deepEqual(fixed, { "x-wx-contract": 1, "x-wx-service": "shop", "x-wx-attempt": 1 });
  assert.ok(Number(deadline) >= sentAt + 4500 && Number(deadline) < sentAt + 6000);
  assert.ok(Number(budget) > 3000 && Number(budget) <= 4500);
  assert.match(String(traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  assert.equal(message.fields.routingKey, "event.CLICK");
  assert.deepEqual(JSON.parse(message.content.toString()), {
    ToUserName: "gh_1",
    FromUserName: "oUSER1",
    CreateTime: 1700000001,
    MsgType: "event",
    Event: "CLICK",
    EventKey: "K",
  });
});

void test("a reply that cannot be used is a warning, and the push is answered all the same", async (t) => {
  const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "shop", delivery: "amqp" }] });
  const channel = await openChannel(t);
  const queue = await bind(channel, `${system.prefix}.events`, "event.CLICK");
  const replies: Record<string, object> = {
    card: { type: "card" },
    long: { type: "raw", msg: "x".repeat(1024 * 1024 + 100) },
  };
  collect(channel, queue, (message) => {
    const { replyTo, correlationId } = message.properties as { replyTo: string; correlationId: string };
    const { EventKey } = JSON.parse(message.content.toString()) as { EventKey: string };
    const reply = Buffer.from(JSON.stringify(replies[EventKey]));
    channel.publish(`${system.prefix}.replies`, replyTo, reply, { correlationId });
  });
  for (const key in replies) assert.equal((await system.wechat("shop").push(click("oUSER1", key))).opened, "success");
  const [card, long] = system.log.filter(({ msg }) => msg === "push") as [LogLine, LogLine];
  for (const { level, outcome } of [card, long]) {
    assert.deepEqual({ level, outcome }, { level: 40, outcome: "silent" });
  }
  assert.match(String(card["reason"]), /^its type is none of success, text, /);
  assert.equal(long["reason"], "it is longer than 1 MiB");
});

void test("a reply to no push at all is told apart from one that is late", async (t) => {
  const services = [{ name: "shop", delivery: "amqp", "reply-budget": "500ms" }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const channel = await openChannel(t);
  const events = await subscribe(channel, `${system.prefix}.events`, ["#"]);
  await system.wechat("shop").push(click("oUSER1", "K"));
  const [event] = await events.next();
  const { replyTo, messageId } = (event as ConsumeMessage).properties as { replyTo: string; messageId: string };
  const publish = (options: object) =>
    channel.publish(`${system.prefix}.replies`, replyTo, Buffer.from('{"msg":"hi"}'), options);
  publish({});
  publish({ correlationId: "1", headers: { "x-wx-service": "shop" } });
  publish({ correlationId: messageId });
  const unused = () => system.log.filter(({ msg }) => msg === "reply not used");
  await until(async () => unused().length === 3, "three lines");
  assert.deepEqual(
    unused().map(({ level, identity, service, reason }) => ({ level, identity, service, reason })),
    [
      { level: 40, identity: "", service: undefined, reason: "its correlation_id is not that of an event" },
      { level: 40, identity: "1", service: "shop", reason: "its correlation_id is not that of an event" },
      { level: 30, identity: messageId, service: "shop", reason: undefined },
    ],
  );
});

void test("the dispatcher's replies are persistent where a reply is still wanted after a restart of the broker", async (t) => {
  const backend = await createBackend(t, { body: { type: "text", msg: "hi" } });
  const settings = {
    plain: {},
    retries: { "reply-window": "retries" },
    "customer-service": { "late-reply": "customer-service" },
  };
  const services = Object.entries(settings).map(([name, each]) => ({ name, "msg-proxy-pass": backend.url, ...each }));
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const channel = await openChannel(t);
  const events = await subscribe(channel, `${system.prefix}.events`, ["#"]);
  await system.wechat("plain").push(click("oUSER1", "first"));
  const [event] = await events.next();
  const replies = await subscribe(channel, `${system.prefix}.replies`, [String(event?.properties.replyTo)]);
  for (const { name } of services) await system.wechat(name).push(click("oUSER1", "second"));
  assert.deepEqual(
    (await replies.next(services.length)).map(({ properties }) => [
      properties.headers?.["x-wx-service"] as unknown,
      properties.deliveryMode as unknown,
    ]),
    [
      ["plain", 1],
      ["retries", 2],
      ["customer-service", 2],
    ],
  );
});

function outcomeIn({ log }: System): unknown {
  return log.find(({ msg }) => msg === "push")?.["outcome"];
}

void test("a push nobody is bound for is answered at once and kept in unrouted", async (t) => {
  const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "lonely", delivery: "amqp" }] });
  assert.equal((await system.wechat("lonely").push(click("oUSER2", "K"))).opened, "success");
  assert.equal(outcomeIn(system), "unrouted");
  const channel = await openChannel(t);
  const kept = await channel.get(`${system.prefix}.unrouted`);
  assert.ok(kept);
  assert.equal(kept.properties.type, "event.CLICK");
  assert.equal((JSON.parse(kept.content.toString()) as { EventKey: string }).EventKey, "K");
});

void test("keys that wait for no reply are answered as soon as the push is held", async (t) => {
  const services = [{ name: "quiet", delivery: "amqp", reply: ["msg.*"] }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const channel = await openChannel(t);
  const queue = await bind(channel, `${system.prefix}.events.quiet`, "#");
  const messages = collect(channel, queue);
  assert.equal((await system.wechat("quiet").push(click("oUSER3", "K"))).opened, "success");
  assert.equal(outcomeIn(system), "unawaited");
  if (messages.length === 0) await once(channel, "delivery", { signal: AbortSignal.timeout(5000) });
  assert.equal(messages[0]?.properties.replyTo, undefined);
});

void test("fan-out: consumers of enriched events get what the backend got", async (t) => {
  const backend = await createBackend(t);
  const services = [{ name: "both", "fan-out": true, "msg-proxy-pass": backend.url }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const channel = await openChannel(t);
  const queue = await bind(channel, `${system.prefix}.enriched`, "event.*");
  const messages = collect(channel, queue);
  const answer = await system.wechat("both").push(click("oUSER4", "K"));
  assert.equal(parseReply(answer.opened)["Content"], "ok");
  if (messages.length === 0) await once(channel, "delivery", { signal: AbortSignal.timeout(5000) });
  assert.equal(messages[0]?.content.toString(), backend.requests[0]?.body);
  assert.equal(messages[0]?.fields.routingKey, "event.CLICK");
});

void test("dead letters tell the reason, the attempts and the last error, and keep event and identity", async (t) => {
  const backend = await createBackend(t, { status: 500 });
  backend.answer("/event/rejected_one", { status: 400 });
  backend.answer("/event/unhandled_one", { status: 404 });
  const services = [{ name: "dying", "msg-proxy-pass": backend.url, retry: ["100ms"], unhandled: "dead-letter" }];
  const system = await createSystem(t, { bus: "rabbitmq", services });
  const channel = await openChannel(t);
  const dead: ConsumeMessage[] = collect(channel, `${system.prefix}.dead`);
  for (const event of ["exhausted_one", "rejected_one", "unhandled_one"]) {
    const { opened } = await system.wechat("dying").push(click("oUSER5", event).replace("CLICK", event));
    assert.equal(opened, "success");
  }
  while (dead.length < 3) await once(channel, "delivery", { signal: AbortSignal.timeout(5000) });
  const told = dead.map(({ properties: { headers, type } }) => {
    const {
      "x-wx-reason": reason,
      "x-wx-attempt": attempt,
      "x-wx-error": error,
      "x-wx-service": service,
    } = (headers ?? {}) as Record<string, unknown>;
    return { type: type as unknown, service, reason, attempt, error };
  });
  assert.deepEqual(told, [
    { type: "event.exhausted_one", service: "dying", reason: "exhausted", attempt: 2, error: "status 500" },
    { type: "event.rejected_one", service: "dying", reason: "rejected", attempt: 1, error: "status 400" },
    { type: "event.unhandled_one", service: "dying", reason: "unhandled", attempt: 1, error: "status 404" },
  ]);
  assert.equal(dead[0]?.properties.messageId, backend.requests[0]?.headers["x-wx-event-id"]);
  assert.equal(dead[0]?.content.toString(), backend.requests[0]?.body);
});

async function bind(channel: Channel, exchange: string, pattern: string): Promise<string> {
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, exchange, pattern);
  return queue;
}

/** Messages of a queue as they come; the channel emits `delivery` for each. */
function collect(
  channel: Channel,
  queue: string,
  onMessage: (message: ConsumeMessage) => void = () => {},
): ConsumeMessage[] {
  const messages: ConsumeMessage[] = [];
  void channel.consume(queue, (message) => {
    if (message === null) return;
    messages.push(message);
    channel.ack(message);
    onMessage(message);
  });
  return messages;
}

/** The properties that were set. */
function given(properties: object): object {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}
