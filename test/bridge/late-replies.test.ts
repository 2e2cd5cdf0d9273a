import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type ConsumeMessage } from "amqplib";
import { pino } from "pino";
import { type Role, runBridge } from "../../cli/run.ts";
import { createBackend, createHeldAnswer, type BackendHandler } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { onLoopback } from "../support/on-loopback.ts";
import { until } from "../support/until.ts";
import { createWechatApi, type WechatApi } from "../support/wechat-api-server.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { createWechat } from "../support/wechat-server.ts";
import { startProcess, writeConfig } from "./bridge-process.ts";
import { openChannel } from "./broker-channel.ts";
import { reply as replyTo, subscribe } from "./subscribers.ts";
import { brokerUrl, busKinds, createSystem, type BusKind, type System } from "./system.ts";

const PATH = "/cgi-bin/message/custom/send";
const late = { body: { type: "text", msg: "很晚" } };
/** Milliseconds that the reply budget is over in. */
const delayMs = 1800;
const slow: BackendHandler = { ...late, delayMs };
let serial = 0;

const text = (openid = "oUSER1", content = "x"): string =>
  `<xml><ToUserName>gh_1</ToUserName><FromUserName>${openid}</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>${content}</Content><MsgId>${7_000_000 + serial++}</MsgId></xml>`;

async function createLate(
  t: Closing,
  bus: BusKind,
  handler: BackendHandler,
  settings: object = {},
  roles: readonly Role[] = ["dispatcher", "gateway"],
) {
  const api = await createWechatApi(t);
  const backend = await createBackend(t, handler);
  const service = {
    name: "shop",
    "msg-proxy-pass": backend.url,
    "reply-budget": 1000, // in which a busy machine has a push confirmed
    "late-reply": "customer-service",
  };
  const system = await createSystem(t, {
    bus,
    roles,
    services: [{ ...service, ...settings }],
    settings: { "wx-api-base": api.url },
  });
  return { api, backend, system, wechat: system.wechat("shop") };
}

/** Waits for the counter, then gives whatever should not happen the time to happen. */
async function counted(system: System, outcome: string, count = 1): Promise<void> {
  const line = `wx_late_replies_total{service="shop",outcome="${outcome}"} ${count}\n`;
  await until(async () => (await system.metrics("dispatcher")).includes(line), line);
  await sleep(300);
}

/** Two late replies to each push, one right after the other. */
async function replyTwice(prefix: string, identities: readonly string[]): Promise<void> {
  const connection = await connect(brokerUrl());
  const channel = await connection.createConfirmChannel();
  for (const correlationId of identities) {
    for (const msg of ["one", "two"]) {
      channel.publish(`${prefix}.replies`, "gone", Buffer.from(JSON.stringify({ msg })), { correlationId });
    }
  }
  await channel.waitForConfirms();
  await connection.close();
}

function sentBodies(api: WechatApi): unknown[] {
  return api.calls.filter(({ path }) => path === PATH).map(({ json }) => json);
}

// Most of them wait: for a backend, a retry queue, a TTL.
void describe("late replies", { concurrency: 8 }, () => {
  for (const bus of busKinds) {
    void test(`${bus}: a slow backend gets one POST, and the user its reply as one customer-service message`, async (t) => {
      const { handler, release } = createHeldAnswer(late);
      const { api, backend, system, wechat } = await createLate(t, bus, handler);
      assert.equal((await wechat.push(text("o/USER+1"))).opened, "success");
      release();
      const [call] = await api.next(PATH);
      assert.equal(call?.body, '{"touser":"o/USER+1","msgtype":"text","text":{"content":"很晚"}}');
      await counted(system, "sent");
      assert.equal(backend.requests.length, 1);
      assert.equal(api.count(PATH), 1);
    });

    void test(`${bus}: a backend that takes 8 s, with the settings as they are: one POST, one message`, async (t) => {
      const { api, backend, wechat } = await createLate(
        t,
        bus,
        { body: { type: "text", msg: "after 8 s" }, delayMs: 8000 },
        { "reply-budget": "4500ms" },
      );
      const answer = await wechat.push(text());
      assert.equal(answer.opened, "success");
      assert.ok(answer.ms < 5000, `answered after ${answer.ms} ms`);
      const [call] = await api.next(PATH, 1, 10_000);
      assert.deepEqual(call?.json, { touser: "oUSER1", msgtype: "text", text: { content: "after 8 s" } });
      assert.equal(backend.requests.length, 1);
    });

    void test(`${bus}: every type of reply in WeChat's words; what says nothing is dropped`, async (t) => {
      const cases: [reply: object, sent?: object][] = [
        [
          { type: "image", msg: "m1" },
          { msgtype: "image", image: { media_id: "m1" } },
        ],
        [
          { type: "voice", msg: "m2" },
          { msgtype: "voice", voice: { media_id: "m2" } },
        ],
        [
          { type: "video", msg: "m3", title: "T", desc: "D" },
          { msgtype: "video", video: { media_id: "m3", title: "T", description: "D" } },
        ],
        [
          { type: "music", msg: "m4", title: "T", desc: "D", url: "http://u/", hqUrl: "http://h/" },
          {
            msgtype: "music",
            music: {
              title: "T",
              description: "D",
              musicurl: "http://u/",
              hqmusicurl: "http://h/",
              thumb_media_id: "m4",
            },
          },
        ],
        [
          {
            type: "news",
            articles: [{ title: "A", desc: "D", picUrl: "http://p/", url: "http://u/" }, { title: "B" }],
          },
          {
            msgtype: "news",
            news: { articles: [{ title: "A", description: "D", url: "http://u/", picurl: "http://p/" }] },
          },
        ],
        [{ type: "success" }],
        [{ type: "transfer_customer_service" }],
        [{ type: "raw", msg: "{}" }],
        [{ type: "text", msg: "x".repeat(2049) }],
      ];
      const { api, system, wechat } = await createLate(t, bus, ({ json }) => {
        return { body: cases[Number((json as { Content: string }).Content)]?.[0], delayMs };
      });
      await Promise.all(cases.map((_, index) => wechat.push(text("oUSER1", String(index)))));
      await counted(system, "sent", 5);
      await counted(system, "dropped", 4);
      const expected = cases.flatMap(([, sent]) => (sent ? [JSON.stringify({ touser: "oUSER1", ...sent })] : []));
      const bodies = sentBodies(api).map((body) => JSON.stringify(body));
      assert.deepEqual(bodies.toSorted(), expected.toSorted());
    });

    void test(`${bus}: what left is never sent again: refused, out of the window, or never answered`, async (t) => {
      const { api, system, wechat } = await createLate(t, bus, slow);
      const faults = [
        { fault: { errcode: 45047, errmsg: "out of response count limit" }, outcome: "refused" },
        { fault: { errcode: 45015, errmsg: "response out of time limit" }, outcome: "expired" },
        { fault: "reset", outcome: "unanswered" },
      ] as const;
      for (const { fault, outcome } of faults) {
        api.fail(PATH, fault, 1);
        await wechat.push(text());
        await counted(system, outcome);
      }
      assert.equal(api.count(PATH), 3);
      const told = system.log.filter(({ msg, level }) => msg === "late reply" && level === 40);
      assert.deepEqual(
        told.map((line) => [line["outcome"], line["errcode"]]),
        [
          ["refused", 45047],
          ["expired", 45015],
          ["unanswered", undefined],
        ],
      );
    });

    void test(`${bus}: one call too many in this minute did nothing: it is sent later`, async (t) => {
      const { api, system, wechat } = await createLate(t, bus, slow);
      api.fail(PATH, { errcode: 45011, errmsg: "api minute-quota reach limit, must slower, retry next minute" }, 1);
      await wechat.push(text());
      await counted(system, "retry");
      await counted(system, "sent");
      assert.equal(api.count(PATH), 2);
    });

    void test(`${bus}: a token that WeChat refuses is replaced and the reply sent`, async (t) => {
      const { api, system, wechat } = await createLate(t, bus, slow);
      await wechat.push(text("oFIRST"));
      await counted(system, "sent");
      api.invalidateToken();
      await wechat.push(text("oSECOND"));
      await counted(system, "sent", 2);
      assert.equal(api.count(PATH), 3);
    });

    void test(`${bus}: when WeChat refuses the new token, too, nothing was done: it is sent later`, async (t) => {
      const { api, system, wechat } = await createLate(t, bus, slow);
      api.fail(PATH, { errcode: 40001, errmsg: "invalid credential" }, 2);
      await wechat.push(text());
      await counted(system, "retry");
      await counted(system, "sent");
      assert.equal(api.count(PATH), 3);
    });

    void test(`${bus}: without WeChat's API a reply waits, holds up nothing, and is sent once when it is back`, async (t) => {
      const { api, system, wechat } = await createLate(t, bus, slow);
      await api.stop();
      await wechat.push(text());
      await counted(system, "retry");
      await api.start();
      await counted(system, "sent");
      assert.deepEqual(sentBodies(api), [{ touser: "oUSER1", msgtype: "text", text: { content: "很晚" } }]);
    });

    void test(`${bus}: a connection that is refused after the token was fetched is no send`, async (t) => {
      const { api, system, wechat } = await createLate(t, bus, slow);
      await wechat.push(text("oFIRST"));
      await counted(system, "sent");
      await api.stop();
      await wechat.push(text("oSECOND"));
      await counted(system, "retry");
      await api.start();
      await counted(system, "sent", 2);
      assert.equal(api.count(PATH), 2);
    });

    void test(`${bus}: late-reply "drop" sends nothing`, async (t) => {
      const { api, system, wechat } = await createLate(t, bus, slow, { "late-reply": "drop" });
      await wechat.push(text());
      const told = 'wx_replies_total{service="shop",outcome="late"} 1\n';
      await until(async () => (await system.metrics()).includes(told), "the late reply");
      await sleep(300);
      assert.equal(api.calls.length, 0);
    });
  }

  void test("replies to nobody's queue reach the user once each, whoever wrote them", async (t) => {
    const { api, system } = await createLate(t, "rabbitmq", slow);
    const connection = await connect(brokerUrl());
    const channel = await connection.createConfirmChannel();
    const reply = (correlationId: string, headers = {}) =>
      channel.publish(`${system.prefix}.replies`, "gone", Buffer.from('{"msg":"hi"}'), { correlationId, headers });
    reply("shop/oUSER1/1");
    reply("shop/oUSER1/1");
    reply("shop/oUSER2/2", { "x-wx-deferred": true });
    reply(`shop/${"A".repeat(43)}/${"B".repeat(43)}`);
    reply("shop//3");
    reply("nonsense");
    reply("%E0%A4%A/oUSER1/1");
    reply("another/oUSER1/4");
    await channel.waitForConfirms();
    await connection.close();
    await counted(system, "sent");
    await counted(system, "duplicate");
    await counted(system, "dropped", 3);
    assert.match(await system.metrics("dispatcher"), /wx_late_replies_total\{service="other",outcome="dropped"\} 3/);
    assert.equal(api.count(PATH), 1);
  });

  void test("a late reply with what is no account in its x-wx-service reaches the user of its push", async (t) => {
    const { api, system, wechat } = await createLate(t, "rabbitmq", slow, { delivery: "amqp" });
    const channel = await openChannel(t);
    const pushes = await subscribe(channel, `${system.prefix}.events`, ["msg.text"]);
    assert.equal((await wechat.push(text())).opened, "success");
    const [push] = await pushes.next(1);
    const { replyTo, correlationId } = (push as ConsumeMessage).properties as {
      replyTo: string;
      correlationId: string;
    };
    const headers = { "x-wx-service": "the team's own name" };
    channel.publish(`${system.prefix}.replies`, replyTo, Buffer.from('{"msg":"hi"}'), {
      correlationId,
      headers,
    });
    await counted(system, "sent");
    assert.equal(api.count(PATH), 1);
  });

  void test("a second reply reaches the user when the first one could not be used", async (t) => {
    const settings = { delivery: "amqp", "reply-budget": "4500ms" };
    const { api, system, wechat } = await createLate(t, "rabbitmq", slow, settings);
    const channel = await openChannel(t);
    const pushes = await subscribe(channel, `${system.prefix}.events`, ["event.CLICK"]);
    const answering = wechat.push(
      "<xml><FromUserName>oUSER1</FromUserName><MsgType>event</MsgType><Event>CLICK</Event></xml>",
    );
    const [push] = await pushes.next(1);
    const { replyTo: queue, correlationId } = (push as ConsumeMessage).properties as {
      replyTo: string;
      correlationId: string;
    };
    const messagesOnly = Buffer.from('{"type":"transfer_customer_service"}');
    channel.publish(`${system.prefix}.replies`, queue, messagesOnly, { correlationId });
    assert.equal((await answering).opened, "success");
    replyTo(channel, system, push as ConsumeMessage, "two");
    const [call] = await api.next(PATH);
    assert.deepEqual(call?.json, { touser: "oUSER1", msgtype: "text", text: { content: "two" } });
  });

  void test("a second reply right behind the first one, whose push is hardly confirmed, is not sent to the user", async (t) => {
    const settings = { delivery: "amqp", "reply-budget": "4500ms" };
    const { api, system, wechat } = await createLate(t, "rabbitmq", slow, settings);
    const channel = await openChannel(t);
    const pushes = await subscribe(channel, `${system.prefix}.events`, ["msg.text"]);
    for (let i = 0; i < 20; i++) {
      const answering = wechat.push(text());
      const [push] = await pushes.next(1);
      for (const msg of ["one", "two"]) replyTo(channel, system, push as ConsumeMessage, msg);
      assert.equal(parseReply((await answering).opened)["Content"], "one");
    }
    const told = 'wx_replies_total{service="shop",outcome="duplicate"} 20\n';
    await until(async () => (await system.metrics()).includes(told), "twenty duplicates");
    assert.equal(api.count(PATH), 0);
  });

  void test("two dispatchers send a reply once, and one of them goes on when the other is gone", async (t) => {
    const { api, system, wechat } = await createLate(t, "rabbitmq", slow, {}, ["gateway"]);
    const runDispatcher = () => runBridge("dispatcher", system.config, pino({ enabled: false }));
    const [first, second] = [await runDispatcher(), await runDispatcher()];
    try {
      await Promise.all(Array.from({ length: 10 }, (_, i) => wechat.push(text(`oUSER${i}`))));
      await api.next(PATH, 10);
      await replyTwice(system.prefix, ["shop/oTWICE1/1", "shop/oTWICE2/2", "shop/oTWICE3/3"]);
      await api.next(PATH, 3);
      await first.close();
      await wechat.push(text("oLAST"));
      await api.next(PATH, 1);
      await sleep(500);
      assert.equal(api.count(PATH), 14);
      assert.equal(new Set(sentBodies(api).map((body) => (body as { touser: string }).touser)).size, 14);
    } finally {
      await second.close();
    }
  });

  void test("a gateway killed while the user waits: the reply still reaches the user, once", async (t) => {
    const { api, backend, system } = await createLate(t, "rabbitmq", slow);
    const file = await writeConfig(t, {
      ...onLoopback,
      amqp: { url: brokerUrl(), prefix: system.prefix },
      services: [
        {
          name: "shop",
          "wx-params": { token: "AAAAA", "app-id": "wxba5fad812f8e6fb9", "app-secret": "s" },
          "listen-endpoints": { "service-path": "/shop" },
          "msg-proxy-pass": backend.url,
          "late-reply": "customer-service",
        },
      ],
    });
    const gateway = await startProcess(t, "gateway", file);
    const wechat = createWechat({ url: `http://127.0.0.1:${gateway.port}/shop`, token: "AAAAA", appId: "" });
    const answering = wechat.push(text());
    const cutOff = assert.rejects(answering);
    await backend.next(1);
    await gateway.end("SIGKILL");
    await cutOff;
    const [call] = await api.next(PATH, 1, 25_000);
    assert.deepEqual(call?.json, { touser: "oUSER1", msgtype: "text", text: { content: "很晚" } });
    await counted(system, "sent");
    assert.equal(backend.requests.length, 1);
    assert.equal(api.count(PATH), 1);
  });
});

test("a second reply that comes when the answer itself is forgotten is not sent to the user", async (t) => {
  const settings = { delivery: "amqp", "reply-budget": "4500ms" };
  const { api, system, wechat } = await createLate(t, "rabbitmq", slow, settings);
  const channel = await openChannel(t);
  const pushes = await subscribe(channel, `${system.prefix}.events`, ["msg.text"]);
  const answering = wechat.push(text());
  const [push] = await pushes.next(1);
  replyTo(channel, system, push as ConsumeMessage, "one");
  assert.equal(parseReply((await answering).opened)["Content"], "one");
  const now = performance.now.bind(performance);
  t.mock.method(performance, "now", () => now() + 3_600_000);
  replyTo(channel, system, push as ConsumeMessage, "two");
  const told = 'wx_replies_total{service="shop",outcome="duplicate"} 1\n';
  await until(async () => (await system.metrics()).includes(told), "a duplicate");
  assert.equal(api.count(PATH), 0);
});
