import assert from "node:assert/strict";
import { test } from "node:test";
import { createBackend, createHeldAnswer } from "../support/backend-server.ts";
import { until } from "../support/until.ts";
import { createWechatApi } from "../support/wechat-api-server.ts";
import { contentOf } from "../support/wechat-reply.ts";
import { createWechat } from "../support/wechat-server.ts";
import { busKinds, createSystem, type System } from "./system.ts";

let serial = 0;
const unsaid = { level: undefined, time: undefined };

/** A text message of its own identity. */
function text(content: string, openid = "oUSER1"): string {
  return `<xml><ToUserName>gh_1</ToUserName><FromUserName>${openid}</FromUserName><CreateTime>1700000000</CreateTime>
<MsgType>text</MsgType><Content>${content}</Content><MsgId>${9_000_000 + serial++}</MsgId></xml>`;
}

/** Lines with this message, without what differs from run to run. */
function lines(system: System, msg: string): Record<string, unknown>[] {
  const found = system.log.filter((line) => line.msg === msg);
  return found.map((line) => ({ ...line, ms: typeof line["ms"], level: undefined, time: undefined }));
}

for (const bus of busKinds) {
  void test(`${bus}: a backend slower than the budget: success in time, one POST, the late reply is counted`, async (t) => {
    const { handler, release } = createHeldAnswer({ body: { type: "text", msg: "late" } });
    const backend = await createBackend(t, handler);
    const services = [{ name: "account", "msg-proxy-pass": backend.url, "reply-budget": 500 }];
    const system = await createSystem(t, { bus, services });
    assert.equal((await system.wechat("account").push(text("slow"))).opened, "success");
    await backend.next(1);
    release();
    assert.match(await system.metrics(), /wx_pushes_total\{service="account",key="msg.text",outcome="late"\} 1/);
    await until(
      async () => /wx_replies_total\{service="account",outcome="late"\} 1/.test(await system.metrics()),
      "a late one",
    );
    assert.equal(backend.requests.length, 1);
  });

  void test(`${bus}: a failing backend is asked again and its second answer is in time`, async (t) => {
    const backend = await createBackend(t, ({ headers }) =>
      headers["x-wx-attempt"] === "1" ? { status: 503 } : { body: { type: "text", msg: "second" } },
    );
    const services = [{ name: "account", "msg-proxy-pass": backend.url, retry: ["200ms"] }];
    const system = await createSystem(t, { bus, services });
    assert.equal(contentOf(await system.wechat("account").push(text("x"))), "second");
    const attempts = backend.requests.map(({ path, headers }) => [path, headers["x-wx-attempt"]]);
    assert.deepEqual(attempts, [
      ["/msg/text", "1"],
      ["/msg/text", "2"],
    ]);
    assert.equal(backend.requests[0]?.headers["x-wx-event-id"], backend.requests[1]?.headers["x-wx-event-id"]);
  });

  void test(`${bus}: when no retry can make the deadline the user's push is answered at once`, async (t) => {
    const backend = await createBackend(t, "reset");
    const services = [{ name: "account", "msg-proxy-pass": backend.url, retry: ["10s"] }];
    const system = await createSystem(t, { bus, services });
    assert.equal((await system.wechat("account").push(text("x"))).opened, "success");
    assert.equal(lines(system, "push")[0]?.["outcome"], "deferred");
  });

  void test(`${bus}: userInfo is added with every field WeChat returned, and failing that its error`, async (t) => {
    const backend = await createBackend(t);
    const api = await createWechatApi(t);
    const settings = { "dont-append-userinfo": false, "wx-api-base": api.url };
    const system = await createSystem(t, {
      bus,
      services: [{ name: "account", "msg-proxy-pass": backend.url }],
      settings,
    });
    await system.wechat("account").push(text("known"));
    await system.wechat("account").push(text("unknown", "bad-openid"));
    const [known, unknown] = backend.requests.map(({ json }) => json as Record<string, unknown>);
    const { openid, language } = (known?.["userInfo"] ?? {}) as Record<string, unknown>;
    assert.deepEqual({ openid, language }, { openid: "oUSER1", language: "zh_CN" });
    assert.equal(known?.["userInfoError"], "");
    assert.equal(unknown?.["userInfo"], null);
    assert.match(String(unknown?.["userInfoError"]), /invalid openid/);
    assert.equal(api.count("/cgi-bin/stable_token"), 1);
  });

  void test(`${bus}: tries of one push share one publication and one reply`, async (t) => {
    const backend = await createBackend(t, { body: { type: "text", msg: "once" }, delayMs: 200 });
    const system = await createSystem(t, { bus, services: [{ name: "account", "msg-proxy-pass": backend.url }] });
    const push = text("again");
    const wechat = system.wechat("account");
    const answers = await Promise.all([wechat.push(push), wechat.push(push)]);
    answers.push(await wechat.push(push));
    assert.deepEqual(answers.map(contentOf), ["once", "once", "once"]);
    assert.equal(backend.requests.length, 1);
  });

  void test(`${bus}: a try after the first connection was cut gets the reply to the first`, async (t) => {
    const backend = await createBackend(t, { body: { type: "text", msg: "once" }, delayMs: 800 });
    const system = await createSystem(t, { bus, services: [{ name: "account", "msg-proxy-pass": backend.url }] });
    const push = text("cut");
    const wechat = system.wechat("account");
    await assert.rejects(wechat.push(push, { timeoutMs: 300 }));
    assert.equal(contentOf(await wechat.push(push)), "once");
    assert.equal(contentOf(await wechat.push(push)), "once");
    assert.equal(backend.requests.length, 1);
  });

  void test(`${bus}: two pushes of one user and one second that differ are two, and so are equal MsgIds of two users`, async (t) => {
    const backend = await createBackend(t, ({ json }) => {
      const { EventKey, FromUserName } = json as { EventKey?: string; FromUserName: string };
      return { body: { type: "text", msg: EventKey ?? FromUserName } };
    });
    const system = await createSystem(t, { bus, services: [{ name: "account", "msg-proxy-pass": backend.url }] });
    const head = `<xml><ToUserName>gh_1</ToUserName><CreateTime>1700000000</CreateTime>`;
    const click = (key: string): string =>
      `${head}<FromUserName>oUSER1</FromUserName><MsgType>event</MsgType><Event>CLICK</Event><EventKey>${key}</EventKey></xml>`;
    const said = (openid: string): string =>
      `${head}<FromUserName>${openid}</FromUserName><MsgType>text</MsgType><Content>x</Content><MsgId>7</MsgId></xml>`;
    const bodies = [click("A"), click("B"), said("oUSER1"), said("oUSER2")];
    const answers = await Promise.all(bodies.map((body) => system.wechat("account").push(body)));
    assert.deepEqual(answers.map(contentOf), ["A", "B", "oUSER1", "oUSER2"]);
    assert.equal(new Set(backend.requests.map(({ headers }) => headers["x-wx-event-id"])).size, 4);
  });

  void test(`${bus}: a dead backend slows no other account, and after 5 failures nobody waits for it`, async (t) => {
    const [dead, well] = [await createBackend(t, "hang"), await createBackend(t)];
    const services = [
      { name: "dead", "msg-proxy-pass": dead.url, "backend-timeout": "1s", retry: ["20s"], concurrency: 5 },
      { name: "well", "msg-proxy-pass": well.url },
    ];
    const system = await createSystem(t, { bus, services });
    const failing = Array.from({ length: 5 }, () => system.wechat("dead").push(text("x")));
    await dead.next(5);
    for (let i = 0; i < 20; i++) {
      assert.equal(contentOf(await system.wechat("well").push(text("x"))), "ok");
    }
    for (const { opened } of await Promise.all(failing)) assert.equal(opened, "success");
    for (let i = 0; i < 10; i++) assert.equal((await system.wechat("dead").push(text("x"))).opened, "success");
    const outcomes = lines(system, "push").filter(({ service }) => service === "dead");
    assert.deepEqual(new Set(outcomes.map(({ outcome }) => outcome)), new Set(["deferred"]));
    assert.equal(contentOf(await system.wechat("well").push(text("x"))), "ok");
    assert.equal(dead.requests.length, 5);
  });

  void test(`${bus}: each push and each delivery has one line and is counted`, async (t) => {
    const backend = await createBackend(t);
    const system = await createSystem(t, {
      bus,
      services: [
        { name: "小店", sealed: false, "msg-proxy-pass": backend.url, "listen-endpoints": { "service-path": "/shop" } },
      ],
    });
    const body = text("x", "o/1");
    await createWechat({ url: `${system.url}/shop`, token: "AAAAA", appId: "wxba5fad812f8e6fb9" }).push(body);
    await until(() => lines(system, "delivery").length === 1, "a delivery");
    const identity = `%E5%B0%8F%E5%BA%97/o%2F1/${/<MsgId>(\d+)/.exec(body)?.[1]}`;
    assert.deepEqual(lines(system, "push"), [
      {
        service: "小店",
        identity,
        key: "msg.text",
        outcome: "replied",
        reply: "text",
        ms: "number",
        msg: "push",
        ...unsaid,
      },
    ]);
    assert.deepEqual(lines(system, "delivery"), [
      {
        service: "小店",
        identity,
        key: "msg.text",
        attempt: 1,
        outcome: "taken",
        ms: "number",
        msg: "delivery",
        ...unsaid,
      },
    ]);
    assert.equal(backend.requests[0]?.headers["x-wx-event-id"], identity);
    assert.equal(backend.requests[0]?.headers["x-wx-service"], "%E5%B0%8F%E5%BA%97");
    const deadline = Number(backend.requests[0]?.headers["x-wx-deadline"]);
    assert.ok(deadline > Date.now() && deadline < Date.now() + 4600);
    assert.match(String(backend.requests[0]?.headers["traceparent"]), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    assert.match(await system.metrics(), /^wx_pushes_total\{service="小店",key="msg\.text",outcome="replied"\} 1$/m);
    assert.match(
      await system.metrics("dispatcher"),
      /^wx_deliveries_total\{service="小店",key="msg\.text",outcome="taken"\} 1$/m,
    );
  });
}
