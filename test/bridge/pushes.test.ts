import assert from "node:assert/strict";
import { test } from "node:test";
import { pushes, type PushFixture } from "../fixtures/pushes.ts";
import { createBackend, type BackendRequest } from "../support/backend-server.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { busKinds, createSystem } from "./system.ts";

const ordinary = pushes.filter((push) => push.store === undefined);
const stores = pushes.filter((push) => push.store === true);
const reply = '{"type":"text","msg":"收到 ]]> <b>&</b>"}';

for (const bus of busKinds) {
  for (const sealed of [true, false]) {
    const mode = sealed ? "sealed" : "plain";

    void test(`${bus}, ${mode}: every push reaches the backend whole and its reply verifies`, async (t) => {
      const backend = await createBackend(t, { body: reply });
      const services = [{ name: "account", sealed, "msg-proxy-pass": `${backend.url}/handler` }];
      const system = await createSystem(t, { bus, services });
      await Promise.all(
        ordinary.map(async (push) => {
          const answer = await system.wechat("account").push(push.body);
          assert.equal(answer.status, 200, push.name);
          assert.equal(answer.sealed, sealed, push.name);
          assert.equal(answer.verified, sealed, push.name);
          assertTextReply(answer.opened, push);
        }),
      );
      assertReceived(backend.requests, ordinary, "/handler");
    });

    void test(`${bus}, ${mode}: every store push reaches the backend and msg is the raw answer`, async (t) => {
      const backend = await createBackend(t, { body: '{"type":"text","msg":"{\\"demo_resp\\":\\"good luck\\"}"}' });
      const services = [{ name: "store", sealed, "is-channels-ec": true, "msg-proxy-pass": backend.url }];
      const system = await createSystem(t, { bus, services, settings: { "dont-append-userinfo": false } });
      await Promise.all(
        stores.map(async (push) => {
          const answer = await system.wechat("store").push(push.body);
          assert.equal(answer.opened, '{"demo_resp":"good luck"}', push.name);
          assert.equal(answer.sealed, sealed, push.name);
        }),
      );
      assertReceived(backend.requests, stores, "");
    });

    void test(`${bus}, ${mode}: without a backend every push is echoed as the seed's program does`, async (t) => {
      const system = await createSystem(t, { bus, services: [{ name: "echo", sealed }] });
      await Promise.all(
        ordinary.map(async (push) => {
          const { opened, verified } = await system.wechat("echo").push(push.body);
          if (push.echo === "success") return assert.equal(opened, "success", push.name);
          assert.equal(verified, sealed, push.name);
          const { ToUserName, FromUserName, CreateTime, ...content } = parseReply(opened);
          assert.ok(Math.abs(Number(CreateTime) - Date.now() / 1000) < 60, push.name);
          assert.deepEqual({ ToUserName, FromUserName }, turned(push), push.name);
          assert.deepEqual(content, push.echo, push.name);
        }),
      );
    });
  }
}

function assertTextReply(opened: string, push: PushFixture): void {
  const { ToUserName, FromUserName, MsgType, Content } = parseReply(opened);
  assert.deepEqual(
    { ToUserName, FromUserName, MsgType, Content },
    { ...turned(push), MsgType: "text", Content: "收到 ]]> <b>&</b>" },
    push.name,
  );
  assert.equal(opened.startsWith("{"), push.format === "json", push.name);
}

/** A reply goes from the account to the user; third-party platform pushes name neither. */
function turned({ json }: PushFixture): { ToUserName: unknown; FromUserName: unknown } {
  const event = (typeof json === "string" ? JSON.parse(json) : json) as Record<string, unknown>;
  return { ToUserName: event["FromUserName"] ?? "", FromUserName: event["ToUserName"] ?? "" };
}

function assertReceived(requests: readonly BackendRequest[], sent: readonly PushFixture[], base: string): void {
  assert.equal(requests.length, sent.length);
  const left = new Map(requests.map((request) => [`${request.path} ${request.body}`, request]));
  for (const push of sent) {
    const found = requests.find((request) => request.path === base + push.path && isSame(request.body, push));
    assert.ok(
      found,
      `${push.name}: no such request among\n${[...left.keys()].filter((key) => key.startsWith(base + push.path)).join("\n")}\nexpected ${JSON.stringify(push.json)}`,
    );
    assert.equal(found.method, "POST");
    assert.equal(found.headers["content-type"], "application/json; charset=UTF-8");
    assert.equal(found.headers["x-wx-attempt"], "1");
  }
  assert.equal(new Set(requests.map(({ headers }) => headers["x-wx-event-id"])).size, sent.length);
}

function isSame(body: string, { json }: PushFixture): boolean {
  if (typeof json === "string") return body === json;
  try {
    assert.deepEqual(JSON.parse(body), json);
    return true;
  } catch {
    return false;
  }
}
