import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent, request, type Dispatcher } from "undici";
import { createBackend, type Backend } from "./backend-server.ts";
import type { Closing } from "./loopback-server.ts";

const headers = { "X-Own-Case": "yes", "content-type": "application/json" };

function createPoster(t: Closing, backend: Backend): (path: string, body?: string) => Promise<Dispatcher.ResponseData> {
  const dispatcher = new Agent();
  t.after(() => dispatcher.destroy());
  return (path, body = "{}") => request(backend.url + path, { method: "POST", headers, body, dispatcher });
}

test("records a request whole and answers with the default", async (t) => {
  const backend = await createBackend(t);
  const post = createPoster(t, backend);
  const before = Date.now();
  const answer = await post("/msg/text?a=1", '{"MsgId":3705115058471208928}');
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers["content-type"], "application/json; charset=UTF-8");
  assert.equal(await answer.body.text(), '{"type":"text","msg":"ok"}');
  const [recorded] = backend.requests;
  assert.equal(backend.requests.length, 1);
  assert.equal(recorded?.method, "POST");
  assert.deepEqual([recorded.path, recorded.query], ["/msg/text", { a: "1" }]);
  assert.equal(recorded.headers["x-own-case"], "yes");
  assert.ok(recorded.rawHeaders.includes("X-Own-Case"));
  assert.equal(recorded.body, '{"MsgId":3705115058471208928}');
  assert.equal(typeof Object(recorded.json).MsgId, "number");
  assert.ok(recorded.at >= before && recorded.at <= Date.now());
});

test("hands requests out once, in order, before or after they arrive, and gives up in time", async (t) => {
  const backend = await createBackend(t);
  const post = createPoster(t, backend);
  const waiting = backend.next(2);
  for (const path of ["/1", "/2", "/3"]) await (await post(path)).body.dump();
  assert.deepEqual(
    (await waiting).map(({ path }) => path),
    ["/1", "/2"],
  );
  assert.deepEqual(
    (await backend.next()).map(({ path }) => path),
    ["/3"],
  );
  await assert.rejects(backend.next(1, 20), { message: "0 of 1 backend requests within 20 ms" });
});

test("answers by path, by function, and after a delay", async (t) => {
  const backend = await createBackend(t, (given) => ({ status: 201, headers: { "x-seen": given.path }, body: "text" }));
  const post = createPoster(t, backend);
  backend.answer("/slow", { status: 503, delayMs: 80 });
  const any = await post("/any");
  assert.deepEqual([any.statusCode, any.headers["x-seen"], await any.body.text()], [201, "/any", "text"]);
  const startedAt = performance.now();
  const slow = await post("/slow");
  assert.deepEqual([slow.statusCode, await slow.body.text()], [503, ""]);
  assert.ok(performance.now() - startedAt >= 75);
});

test("breaks for real: reset, truncate, hang", async (t) => {
  const backend = await createBackend(t, "reset");
  const post = createPoster(t, backend);
  await assert.rejects(post("/reset"), { code: "ECONNRESET" });
  backend.answer("truncate");
  const half = await post("/half");
  assert.equal(half.headers["content-length"], "64");
  await assert.rejects(half.body.text(), { code: "UND_ERR_SOCKET" });
  backend.answer("hang");
  const hanging = assert.rejects(post("/hang"), { code: "UND_ERR_SOCKET" });
  await backend.next(3);
  assert.equal(backend.connections, 1);
  await backend.close();
  await hanging;
});

test("plays dead and comes back on the same port", async (t) => {
  const backend = await createBackend(t);
  const post = createPoster(t, backend);
  await (await post("/before")).body.dump();
  assert.equal(backend.connections, 1);
  await backend.stop();
  assert.equal(backend.connections, 0);
  await assert.rejects(post("/dead"), { code: "ECONNREFUSED" });
  await backend.start();
  assert.equal((await post("/after")).statusCode, 200);
  assert.deepEqual(
    backend.requests.map(({ path }) => path),
    ["/before", "/after"],
  );
});

test("reports what a handler threw when it closes", async (t) => {
  const backend = await createBackend(t, () => assert.fail("wrong request"));
  const answer = await createPoster(t, backend)("/any");
  assert.equal(answer.statusCode, 500);
  await assert.rejects(backend.close(), /a backend handler threw: .*wrong request/);
});
