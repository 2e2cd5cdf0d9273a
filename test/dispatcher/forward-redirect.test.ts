import assert from "node:assert/strict";
import { test } from "node:test";
import { createBackend } from "../support/backend-server.ts";
import { createForwarding, eventOf } from "./forward-account.ts";

for (const status of [307, 308]) {
  test(`${status} is followed with method, headers and body`, async (t) => {
    const { backend, send } = await createForwarding(t);
    backend.answer("/msg/text", { status, headers: { location: "/new/msg/text?a=1" }, body: "moved" });
    assert.deepEqual(await send(), { kind: "taken", reply: { type: "text", msg: "ok" } });
    const [first, second] = await backend.next(2);
    assert.deepEqual(
      [second?.method, second?.path, second?.query, second?.body],
      ["POST", "/new/msg/text", { a: "1" }, first?.body],
    );
    assert.equal(second?.headers["x-wx-event-id"], eventOf().identity);
  });
}

test("a redirect to a path in Chinese, encoded or as it is", async (t) => {
  const { backend, send } = await createForwarding(t);
  const path = "/%E6%96%B0/msg/text";
  for (const location of [path, Buffer.from(decodeURI(path)).toString("latin1")]) {
    backend.answer("/msg/text", { status: 307, headers: { location }, body: Buffer.alloc(1) });
    await send();
  }
  assert.deepEqual(
    backend.requests.map((request) => request.path),
    ["/msg/text", path, "/msg/text", path],
  );
});

test("a redirect to another server", async (t) => {
  const other = await createBackend(t, { body: { msg: "other" } });
  const { send } = await createForwarding(t, { handler: { status: 307, headers: { location: `${other.url}/x` } } });
  assert.deepEqual(await send(), { kind: "taken", reply: { type: "text", msg: "other" } });
  assert.partialDeepStrictEqual(other.requests[0], { method: "POST", path: "/x", body: eventOf().body.toString() });
});

const rejected: [name: string, location: Record<string, string>, requests: number][] = [
  ["that never ends", { location: "/msg/text" }, 4],
  ["without Location", {}, 1],
];
for (const [name, headers, requests] of rejected) {
  test(`a redirect ${name} is rejected`, async (t) => {
    const { backend, send } = await createForwarding(t, { handler: { status: 307, headers } });
    assert.deepEqual(await send(), { kind: "rejected", error: "status 307" });
    assert.equal(backend.requests.length, requests);
  });
}

test("a redirect to nowhere fails", async (t) => {
  const { send } = await createForwarding(t, { handler: { status: 308, headers: { location: "http://:0" } } });
  assert.equal((await send()).kind, "failed");
});

test("user and password in msg-proxy-pass become Authorization", async (t) => {
  const { backend, send } = await createForwarding(t, {
    url: (base) => base.replace("//", "//user:p%40ss%3Aw%C3%A9@"),
  });
  await send();
  const { headers, path } = backend.requests[0] ?? assert.fail();
  // printf 'user:p@ss:wé' | base64
  assert.equal(headers.authorization, "Basic dXNlcjpwQHNzOnfDqQ==");
  assert.deepEqual([path, headers.host], ["/msg/text", `127.0.0.1:${backend.port}`]);
});

test("Authorization goes along on the same origin, and never to another", async (t) => {
  const other = await createBackend(t);
  const { backend, send } = await createForwarding(t, { url: (base) => base.replace("//", "//user:pass@") });
  backend.answer("/msg/text", { status: 307, headers: { location: "/second" } });
  backend.answer("/second", { status: 307, headers: { location: `${other.url}/third` } });
  assert.equal((await send()).kind, "taken");
  const [first, second] = backend.requests;
  assert.deepEqual([first?.headers.authorization, second?.headers.authorization], Array(2).fill("Basic dXNlcjpwYXNz"));
  assert.equal(other.requests[0]?.headers.authorization, undefined);
});

test("a redirect with a user and password of its own has these", async (t) => {
  const { backend, send } = await createForwarding(t, { url: (base) => base.replace("//", "//user:pass@") });
  const location = `${backend.url.replace("//", "//new:word@")}/second`;
  backend.answer("/msg/text", { status: 307, headers: { location } });
  assert.equal((await send()).kind, "taken");
  // printf 'new:word' | base64
  assert.equal(backend.requests[1]?.headers.authorization, "Basic bmV3OndvcmQ=");
});

test("a redirect gets what is left of backend-timeout, not all of it once more", async (t) => {
  const { backend, send } = await createForwarding(t, { settings: { "backend-timeout": "500ms" } });
  backend.answer("/msg/text", { status: 307, headers: { location: "/second" }, delayMs: 300 });
  backend.answer("/second", { body: { msg: "after 600 ms" }, delayMs: 300 });
  assert.deepEqual(await send(), { kind: "failed", error: "no answer in backend-timeout" });
});
