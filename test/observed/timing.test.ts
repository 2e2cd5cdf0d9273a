/**
 * go-wx-gateway's workers: held while a backend thinks, none at all with workerNum 0, and userInfo waited for before the
 * backend. Elsewhere: a backend slower than the budget (test/bridge/flows), how long userInfo may take (test/dispatcher/user-info),
 * relays that end (test/gateway/web-authorization-faults).
 */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { busKinds, createSystem, type BusKind, type System } from "../bridge/system.ts";
import { browse, createWorld, textOf } from "../gateway/web-authorization-world.ts";
import { createBackend, type Backend } from "../support/backend-server.ts";
import { createWechatApi } from "../support/wechat-api-server.ts";

let serial = 0;
const text = (openid: string) =>
  `<xml><FromUserName>${openid}</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><MsgId>${++serial}</MsgId><Content>a</Content></xml>`;
const twelve = Array.from({ length: 12 }, (_, n) => `oUSER${n}`);

// All is set up before anything is measured.
const closing = { after: (close: () => Promise<void>) => after(close) };
const api = await createWechatApi(closing);
api.latency("/cgi-bin/user/info", 4500);
const worlds: { bus: BusKind; late: Backend; system: System }[] = [];
for (const bus of busKinds) {
  const ok = await createBackend(closing);
  const slow = await createBackend(closing, { body: { type: "text", msg: "slow" }, delayMs: 3000 });
  const late = await createBackend(closing, { body: { type: "text", msg: "late" }, delayMs: 4500 });
  const services = [
    { name: "five", workerNum: 5, "msg-proxy-pass": slow.url },
    { name: "zero", workerNum: 0, "msg-proxy-pass": ok.url },
    { name: "negative", workerNum: -1, "msg-proxy-pass": ok.url },
    { name: "unset", "msg-proxy-pass": ok.url },
    { name: "late", "msg-proxy-pass": late.url, "dont-append-userinfo": false },
  ];
  const settings = { "wx-api-base": api.url };
  worlds.push({ bus, late, system: await createSystem(closing, { bus, services, settings }) });
}
const pages = await createWorld(closing, (_request, response) => void setTimeout(() => response.end("page"), 3000), {
  workerNum: 5,
});
const patient = await createWorld(closing, (_request, response) => void setTimeout(() => response.end("page"), 6000));

for (const { bus, system } of worlds) {
  for (const [name, before] of [
    ["zero", "workerNum 0 hung every push"],
    ["unset", "without workerNum every push hung"],
    ["negative", "workerNum -1 ended the process"],
  ] as const) {
    test(`${bus}: ${before}: it is answered`, async () => {
      const answers = await Promise.all(twelve.map((openid) => system.wechat(name).push(text(openid))));
      for (const { opened } of answers) assert.match(opened, /<!\[CDATA\[ok\]\]>/);
    });
  }
}

describe("patience", { concurrency: true }, () => {
  for (const { bus, system, late } of worlds) {
    test(`${bus}: userInfo of 4.5 s and a backend of 4.5 s took 9 s: success in time, the backend asked early`, async () => {
      const startedAt = Date.now();
      const { opened, ms } = await system.wechat("late").push(text("oUSER1"));
      assert.equal(opened, "success");
      assert.ok(ms < 5000, `answered after ${ms} ms`);
      const [request] = await late.next(1);
      assert.ok((request?.at ?? 0) < startedAt + 4000, "the backend had to wait for userInfo");
      assert.match(request?.body ?? "", /"userInfo":null,"userInfoError":"[^"]+"\}$/);
    });
  }

  test("a redirect-url of 6 s is waited for, as before", async () => {
    assert.equal(await textOf(await browse(`${patient.page}?code=base1&state=s`)), "page");
  });
});

describe("at once", { concurrency: true }, () => {
  for (const { bus, system } of worlds) {
    test(`${bus}: 12 pushes at once at a backend of 3 s took 3 to 9 s with 5 workers: all take 3 s`, async () => {
      const answers = await Promise.all(twelve.map((openid) => system.wechat("five").push(text(openid))));
      for (const { opened, ms } of answers) {
        assert.match(opened, /<!\[CDATA\[slow\]\]>/);
        assert.ok(ms >= 2990 && ms < 5000, `answered after ${ms} ms`);
      }
    });
  }

  test("12 pages at once at a redirect-url of 3 s took 3 to 9 s with 5 workers: all take 3 s", async () => {
    const startedAt = performance.now();
    const browsed = twelve.map(async (code) => textOf(await browse(`${pages.page}?code=base${code}&state=s`)));
    assert.deepEqual(new Set(await Promise.all(browsed)), new Set(["page"]));
    assert.ok(performance.now() - startedAt < 8500);
  });
});
