import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { connect, type Channel, type ChannelModel, type ConfirmChannel } from "amqplib";
import { createConsumer } from "../../shared/consumer/consumer.ts";
import { obtainSbin } from "../support/broker.ts";
import { createAmqpTestBus } from "../shared/bus/amqp-test-bus.ts";
import { createBench, untilReady } from "../shared/bus/bench.ts";
import { startPrivateNode, type PrivateNode } from "../support/private-node.ts";
import { until } from "../support/until.ts";
import { createWechatApi } from "../support/wechat-api-server.ts";
import { contentOf } from "../support/wechat-reply.ts";
import { text } from "./consumer-kit.ts";
import { createSystem, type System } from "./system.ts";

const definitions = fileURLToPath(new URL("../../docs/examples/definitions.json", import.meta.url));
const services = ["shop", "news"].map((name) => ({ name, delivery: "amqp" }));
let node: PrivateNode | undefined;
let withoutPassword: unknown;

before(async () => {
  const sbin = await obtainSbin();
  if (sbin === undefined) return;
  node = await startPrivateNode({ sbin });
  process.env["AMQP_URL"] = node.url; // where the tests' own clean-up goes, as its administrator
  await node.rabbitmqctl("import_definitions", definitions);
  withoutPassword = await connect(node.url.replace("guest:guest", "shop:")).catch((error: unknown) => error);
  const changes = ["bridge", "shop", "news"].map(
    (user) => `rabbit_auth_backend_internal:change_password(<<"${user}">>, <<"${user}-secret">>, <<"test">>)`,
  );
  await node.rabbitmqctl("eval", `${changes.join(", ")}.`); // one call of it takes seconds
});

after(() => node?.stop());

test("users of the definitions cannot log in before they have a password", (t) => {
  if (!node) return t.skip("no RabbitMQ can be started here");
  assert.match(String(withoutPassword), /ACCESS.REFUSED|403|closed/i);
});

test("the bridge's user is enough for the bridge; a consumer's for the kit: replies, retries and dead letters", async (t) => {
  const system = await createBridge(t);
  if (!system) return t.skip("no RabbitMQ can be started here");
  const consumer = createConsumer({
    url: urlOf("shop"),
    queue: "shop.kit",
    service: "shop",
    retry: ["100ms"],
    failures: "own",
  });
  t.after(() => consumer.close(0));
  consumer.on("msg.text", (push, { attempt }) => {
    if (push.Content === "hopeless" || attempt === 1) throw new Error("not yet");
    return "at last";
  });
  await consumer.start();
  assert.equal(contentOf(await system.wechat("shop").push(text("hello"))), "at last");
  assert.equal((await system.wechat("shop").push(text("hopeless"))).opened, "success");
  const channel = await openChannel(t, "shop");
  const letter = await channel.get("shop.kit.dead", { noAck: true });
  assert.ok(letter);
  assert.equal(letter.properties.headers?.["x-wx-reason"], "exhausted");
});

test("the kit's shared ladder is refused with a clear error, since it would reach every queue", async (t) => {
  if (!(await createBridge(t))) return t.skip("no RabbitMQ can be started here");
  const consumer = createConsumer({ url: urlOf("shop"), queue: "shop.kit", service: "shop", retry: ["100ms"] });
  consumer.on("msg.text", () => "never");
  await assert.rejects(consumer.start(), /exchange wx\.retry\.100ms: .*ACCESS_REFUSED/);
});

test("a consumer's user gets at nothing else", async (t) => {
  const system = await createBridge(t);
  if (!system) return t.skip("no RabbitMQ can be started here");
  const news = await openChannel(t, "news");
  await news.assertQueue("news.inbox", { durable: true });
  await news.bindQueue("news.inbox", "wx.events.news", "#");
  const bridge = await openChannel(t, "guest");
  const { queue: replies } = await bridge.assertQueue("wx.replies.0000", { durable: true });

  const forbidden: Record<string, (channel: ConfirmChannel) => Promise<unknown>> = {
    "publish to the default exchange": publish("", "news.inbox"),
    "publish to its own queue through it": publish("", "shop.inbox"),
    "publish events": publish("wx.events.shop", "msg.text"),
    "publish events of all": publish("wx.events", "msg.text"),
    "enter a retry queue": publish("wx.retry.1s", "news.inbox"),
    "consume another's queue": (channel) => channel.consume("news.inbox", () => {}),
    "fetch from another's queue": (channel) => channel.get("news.inbox"),
    "consume replies": (channel) => channel.consume(replies, () => {}),
    "consume dead letters": (channel) => channel.consume("wx.dead", () => {}),
    "purge another's queue": (channel) => channel.purgeQueue("news.inbox"),
    "delete another's queue": (channel) => channel.deleteQueue("news.inbox"),
    "delete an exchange of the bridge's": (channel) => channel.deleteExchange("wx.replies"),
    "bind to another account's events": (channel) => channel.bindQueue("shop.inbox", "wx.events.news", "#"),
    "bind to all accounts' events": (channel) => channel.bindQueue("shop.inbox", "wx.events", "#"),
    "bind another's queue": (channel) => channel.bindQueue("news.inbox", "wx.events.shop", "#"),
    "declare a queue of the bridge's": (channel) => channel.assertQueue("wx.dispatch.club"),
    "dead-letter into another's queue": (channel) =>
      channel.assertQueue("shop.trick", {
        arguments: { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "news.inbox" },
      }),
  };
  const own = await openChannel(t, "shop");
  await own.assertQueue("shop.inbox", { durable: true });
  await own.bindQueue("shop.inbox", "wx.events.shop", "#");
  const connection = await openConnection(t, "shop");
  for (const [what, run] of Object.entries(forbidden)) {
    assert.match(await refusalOf(connection, run), /ACCESS_REFUSED/, what);
  }
});

test("with late-reply, whoever may reply can send a message to any account's user, as the page says", async (t) => {
  const api = await createWechatApi(t);
  const late = services.map((each) => ({ ...each, "late-reply": "customer-service" }));
  if (!(await createBridge(t, late, { "wx-api-base": api.url }))) return t.skip("no RabbitMQ can be started here");
  const channel = await openChannel(t, "news");
  const correlationId = "shop/oANYBODY/1"; // of no push
  channel.publish("wx.replies", "no-queue", Buffer.from('{"type":"text","msg":"not from the shop"}'), {
    correlationId,
  });
  const [sent] = await api.next("/cgi-bin/message/custom/send");
  assert.deepEqual(sent?.json, { touser: "oANYBODY", msgtype: "text", text: { content: "not from the shop" } });
});

test("without the right to the default exchange a publish there is refused like any other, and is not tried on and on", async (t) => {
  if (!node) return t.skip("no RabbitMQ can be started here");
  const { bus, publish } = createBench(await createAmqpTestBus(t, [urlOf("shop")], { keep: true }));
  await untilReady(bus);
  await assert.rejects(publish({ routingKey: "shop.inbox" }, { timeout: 20_000, tries: 2 }), { code: "NACKED" });
});

test("with no more than taking and replying, a queue that was declared for it works", async (t) => {
  const system = await createBridge(t);
  if (!system || !node) return t.skip("no RabbitMQ can be started here");
  const administrator = await openChannel(t, "guest");
  await administrator.assertQueue("shop.given", { durable: true });
  await administrator.bindQueue("shop.given", "wx.events.shop", "msg.*");
  await node.rabbitmqctl("set_permissions", "shop", "^$", String.raw`^wx\.replies$`, String.raw`^shop\.`);
  const channel = await openChannel(t, "shop");
  await channel.consume("shop.given", (delivery) => {
    if (delivery === null) return;
    const { replyTo, correlationId } = delivery.properties as { replyTo: string; correlationId: string };
    channel.publish("wx.replies", replyTo, Buffer.from('{"type":"text","msg":"just so"}'), { correlationId });
    channel.ack(delivery);
  });
  assert.equal(contentOf(await system.wechat("shop").push(text("hello"))), "just so");
});

test("a broker that allows no reply queue is asked for other ones, less and less often", async (t) => {
  if (!node) return t.skip("no RabbitMQ can be started here");
  const allow = (configure: string) =>
    node?.rabbitmqctl("set_permissions", "bridge", configure, String.raw`^(wx\..*|amq\.default)$`, String.raw`^wx\.`);
  await allow(String.raw`^wx\.(?!replies\.)`);
  t.after(() => allow(String.raw`^wx\.`));
  const system = await createBridge(t);
  const taken = () => system?.log.filter(({ msg }) => msg === "the reply queue is lost, taking another one") ?? [];
  await until(async () => taken().length >= 2, "a third reply queue is tried");
  const [first, second] = taken() as unknown as { time: number; queue: string; next: string }[];
  assert.equal(second?.queue, first?.next);
  assert.ok(Number(second?.time) - Number(first?.time) >= 2000 - 1, "a clock's grain less");
});

/** Gateway and dispatcher as the user `bridge`, with the prefix that the definitions are for. */
async function createBridge(t: TestContext, accounts = services, more: object = {}): Promise<System | undefined> {
  if (!node) return undefined;
  const settings = { amqp: { url: urlOf("bridge"), prefix: "wx" }, ...more };
  return createSystem(t, { bus: "rabbitmq", services: accounts, settings });
}

function urlOf(user: string): string {
  const secret = user === "guest" ? "guest" : `${user}-secret`;
  return String(node?.url).replace("guest:guest", `${user}:${secret}`);
}

async function openConnection(t: TestContext, user: string): Promise<ChannelModel> {
  const connection = await connect(urlOf(user));
  t.after(() => connection.close());
  return connection;
}

async function openChannel(t: TestContext, user: string): Promise<Channel> {
  return (await openConnection(t, user)).createChannel();
}

/** What the broker says to that; on a channel of its own, since a refusal ends the channel. */
async function refusalOf(
  connection: ChannelModel,
  run: (channel: ConfirmChannel) => Promise<unknown>,
): Promise<string> {
  const channel = await connection.createConfirmChannel();
  let refusal = "nothing was refused";
  channel.on("error", (error: Error) => (refusal = error.message));
  await run(channel).catch((error: Error) => (refusal = refusal === "nothing was refused" ? error.message : refusal));
  await channel.close().catch(() => {});
  return refusal;
}

const publish = (exchange: string, key: string) => (channel: ConfirmChannel) => {
  channel.publish(exchange, key, Buffer.from("{}"));
  return channel.waitForConfirms();
};
