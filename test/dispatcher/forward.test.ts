import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import type { BackendAnswer } from "../support/backend-server.ts";
import { createForwarding, eventOf } from "./forward-account.ts";

const hello = { kind: "taken", reply: { type: "text", msg: "hello" } };
const taken = { kind: "taken", reply: { type: "success" } };

const statuses: [status: number, verdict: object][] = [
  ...[200, 201, 202, 206, 299].map((status): [number, object] => [status, hello]),
  ...[404, 405, 410, 501].map((status): [number, object] => [status, { kind: "unhandled", error: `status ${status}` }]),
  ...[408, 425, 429, 500, 502, 503, 504, 599].map((status): [number, object] => [
    status,
    { kind: "failed", error: `status ${status}` },
  ]),
  ...[300, 301, 302, 303, 400, 401, 403, 409, 413, 422, 451].map((status): [number, object] => [
    status,
    { kind: "rejected", error: `status ${status}` },
  ]),
];
for (const [status, verdict] of statuses) {
  test(`status ${status} is ${JSON.stringify(verdict)}`, async (t) => {
    const headers = { location: "/elsewhere" };
    const { backend, send } = await createForwarding(t, { handler: { status, headers, body: `{"msg":"hello"}` } });
    assert.deepEqual(await send(), verdict);
    assert.equal(backend.requests.length, 1);
  });
}

const bodies: [name: string, answer: BackendAnswer, verdict: object][] = [
  ["204", { status: 204 }, taken],
  ["an empty 200", { body: "" }, taken],
  ["success", { body: { type: "success" } }, taken],
  ["no JSON", { body: "<html>" }, { ...taken, unusable: "it is not a JSON object" }],
  ["a byte order mark", { body: `\ufeff{"msg":"hello"}` }, { ...taken, unusable: "it is not a JSON object" }],
  [
    "more than 1 MiB",
    { body: `{"msg":"${"x".repeat(1024 * 1024)}"}` },
    { ...taken, unusable: "it is longer than 1 MiB" },
  ],
  [
    "more than 1 MiB and 500",
    { status: 500, body: "x".repeat(2 * 1024 * 1024) },
    { kind: "failed", error: "status 500" },
  ],
  ["a reset", "reset", { kind: "failed", error: "UND_ERR_SOCKET" }],
  ["half an answer", "truncate", { kind: "failed", error: "UND_ERR_SOCKET" }],
];
for (const [name, answer, verdict] of bodies) {
  test(`a backend's answer: ${name}`, async (t) => {
    const { backend, send } = await createForwarding(t, { handler: answer });
    const given = await send();
    if (typeof answer === "string") assert.match(Object(given).error, /^(UND_ERR_SOCKET|ECONNRESET)$/);
    else assert.deepEqual(given, verdict);
    assert.equal(Object(given).kind, Object(verdict).kind);
    backend.answer({ body: `{"msg":"hello"}` });
    assert.deepEqual(await send(), hello, "the next one is served");
  });
}

test("nobody there", async (t) => {
  const { backend, send } = await createForwarding(t);
  await backend.stop();
  assert.deepEqual(await send(), { kind: "failed", error: "ECONNREFUSED" });
});

test("silence ends at backend-timeout, before and inside the answer", async (t) => {
  const { backend, send } = await createForwarding(t, { handler: "hang", settings: { "backend-timeout": "150ms" } });
  const startedAt = performance.now();
  assert.deepEqual(await send(), { kind: "failed", error: "no answer in backend-timeout" });
  const took = performance.now() - startedAt;
  assert.ok(took > 120, `${took} ms`);
  backend.answer({ headers: { "content-length": "100" }, body: "{" });
  assert.deepEqual(await send(), { kind: "failed", error: "no answer in backend-timeout" });
});

test("the request is the one the contract describes", async (t) => {
  const { backend, send } = await createForwarding(t, { settings: { name: "小店 1" } });
  const event = eventOf({ attempt: 3, deadline: 1_714_112_445_123.6 });
  assert.deepEqual(await send(event), { kind: "taken", reply: { type: "text", msg: "ok" } });
  const [request] = await backend.next();
  assert.ok(request);
  assert.deepEqual(
    [request.method, request.path, request.body],
    ["POST", "/msg/text", `{"MsgType":"text","Content":"你好"}`],
  );
  const { host, connection, ...headers } = request.headers;
  assert.deepEqual([host, connection], [`127.0.0.1:${backend.port}`, "keep-alive"]);
  assert.deepEqual(headers, {
    "content-type": "application/json; charset=UTF-8",
    "content-length": "37",
    "user-agent": "wx-bridge",
    "x-wx-event-id": "shop/oUSER/22277834746191186",
    "x-wx-service": "%E5%B0%8F%E5%BA%97%201",
    "x-wx-attempt": "3",
    "x-wx-deadline": "1714112445124",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  });
});

test("without a trace there is no traceparent", async (t) => {
  const { backend, send } = await createForwarding(t);
  await send(eventOf({ traceparent: undefined }));
  assert.ok(!("traceparent" in (backend.requests[0]?.headers ?? {})));
});

test("webhook headers verify as Standard Webhooks lays down", async (t) => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const { backend, send } = await createForwarding(t, { settings: { "webhook-secret": secret } });
  await send();
  const [request] = await backend.next();
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } = request?.headers ?? {};
  assert.equal(id, "shop/oUSER/22277834746191186");
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 5, String(timestamp));
  const key = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
  const expected = createHmac("sha256", key)
    .update(`${id}.${String(timestamp)}.${request?.body}`)
    .digest("base64");
  assert.equal(signature, `v1,${expected}`);
});

const urls: [suffix: string, key: string, path: string][] = [
  ["", "event.CLICK", "/event/CLICK"],
  ["/", "msg._", "/msg/_"],
  ["/wx/v1", "info.authorized", "/wx/v1/info/authorized"],
  ["/wx/", "msg.text", "/wx/msg/text"],
  ["/%E5%BA%97", "msg.text", "/%E5%BA%97/msg/text"],
];
for (const [suffix, routingKey, path] of urls) {
  test(`msg-proxy-pass ending in "${suffix}" gets ${routingKey} at ${path}`, async (t) => {
    const { backend, send } = await createForwarding(t, { url: (base) => base + suffix });
    await send(eventOf({ routingKey }));
    assert.partialDeepStrictEqual(backend.requests[0], { path, query: {} });
  });
}

test("a store's reply is its msg", async (t) => {
  const { send } = await createForwarding(t, {
    handler: { body: { msg: "{}" } },
    settings: { "is-channels-ec": true },
  });
  assert.deepEqual(await send(), { kind: "taken", reply: { type: "raw", msg: "{}" } });
});

test("connections are kept alive and used again", async (t) => {
  const { backend, send } = await createForwarding(t);
  for (let i = 0; i < 10; i++) await send();
  assert.equal(backend.requests.length, 10);
  assert.ok(backend.connections <= 2, `${backend.connections} connections`);
});

test("5 failures in a row open the breaker: the backend is left alone", async (t) => {
  const { backend, breaker, send } = await createForwarding(t, { handler: { status: 500 } });
  for (let i = 0; i < 5; i++) assert.equal((await send()).kind, "failed");
  assert.equal(breaker.isOpen, true);
  assert.deepEqual(await send(), { kind: "unavailable", error: "the backend failed too often in a row" });
  assert.equal(backend.requests.length, 5);
});

test("a backend that refuses or does not handle an event is not failing", async (t) => {
  const { backend, breaker, send } = await createForwarding(t, { handler: { status: 400 } });
  for (let i = 0; i < 10; i++) {
    backend.answer({ status: i % 2 === 0 ? 400 : 404 });
    await send();
  }
  assert.deepEqual([breaker.isOpen, backend.requests.length], [false, 10]);
});

test("without a retry ladder, where events could wait for its return, a failing backend is asked each time", async (t) => {
  const { backend, send } = await createForwarding(t, { handler: { status: 500 }, settings: { retry: [] } });
  for (let i = 0; i < 7; i++) assert.deepEqual(await send(), { kind: "failed", error: "status 500" });
  assert.equal(backend.requests.length, 7);
});
