import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { callBackend, passBack, type Passage } from "../../gateway/redirect.ts";
import { createArrivals } from "../support/arrivals.ts";
import { createLoopbackServer, type Closing } from "../support/loopback-server.ts";
import { until } from "../support/until.ts";
import { secret } from "./endpoints/start-bridge.ts";
import { browse, createWorld, outcomes, streamSlowly, textOf } from "./web-authorization-world.ts";

/** Ways to leave, each of which once ended the process. */
const leavings: [name: string, leave: (answer: IncomingMessage) => void][] = [
  ["closes", (answer) => answer.destroy()],
  ["resets", (answer) => answer.socket.resetAndDestroy()],
];
const bodies: [name: string, stream: RequestListener][] = [
  ["30 KB over 1.5 s", (_request, response) => void streamSlowly(response, 30, 50)],
  ["500 KB at once", (_request, response) => response.end(Buffer.alloc(500_000))],
  ["20 KB and silence", (_request, response) => void response.write(Buffer.alloc(20_000))],
];

for (const [way, leave] of leavings) {
  for (const [what, stream] of bodies) {
    test(`a browser that ${way} while it gets ${what} harms nobody`, async (t) => {
      const ended: Promise<unknown>[] = [];
      const { page, logged } = await createWorld(t, (request, response) => {
        ended.push(once(response, "close"));
        stream(request, response);
      });
      const answer = await browse(`${page}?code=base1&state=s`);
      await once(answer, "data");
      answer.on("error", () => undefined);
      leave(answer);
      await Promise.all(ended);
      await checkAlive(page);
      assert.ok(what === "500 KB at once" || outcomes(logged)[0] === "browser left");
    });
  }
}

test("a browser that leaves before the answer ends the request to the backend", async (t) => {
  const arrivals = createArrivals<Promise<unknown>>("requests");
  const { page, logged } = await createWorld(t, (_request, response) => arrivals.add(once(response, "close")));
  const outgoing = httpRequest(`${page}?code=base1&state=s`, { agent: false }).on("error", () => undefined);
  outgoing.end();
  const [closed] = await arrivals.next();
  outgoing.destroy();
  await closed;
  await t.waitFor(() => assert.deepEqual(outcomes(logged), ["browser left"]), { timeout: 5000 });
});

test("a browser that leaves while WeChat is asked costs the backend nothing", async (t) => {
  const { page, logged, api, requests } = await createWorld(t, (_request, response) => response.end());
  api.latency("/cgi-bin/user/info", 150);
  const outgoing = httpRequest(`${page}?code=base1&state=s`, { agent: false }).on("error", () => undefined);
  outgoing.end();
  await api.next("/cgi-bin/user/info");
  outgoing.destroy();
  await t.waitFor(() => assert.deepEqual(outcomes(logged), ["browser left"]), { timeout: 5000 });
  assert.equal(requests.length, 0);
  await checkAlive(page);
});

const breakings: [name: string, answer: RequestListener][] = [
  [
    "its body of known length",
    (_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("half", () => response.socket?.destroy());
    },
  ],
  ["its chunked body", (_request, response) => void response.write("half", () => response.socket?.destroy())],
  [
    "its body with RST",
    (_request, response) => void response.write("half", () => setTimeout(() => response.socket?.resetAndDestroy(), 30)),
  ],
];

for (const [what, answer] of breakings) {
  test(`a backend that truncates ${what} has the browser's connection cut`, async (t) => {
    let first = true;
    const { page, logged } = await createWorld(t, (request, response) => {
      if (!first) return void response.end("page");
      first = false;
      return answer(request, response);
    });
    const cut = await browse(`${page}?code=base1&state=s`);
    assert.equal(cut.statusCode, 200);
    await assert.rejects(buffer(cut), { code: "ECONNRESET" });
    await checkAlive(page);
    assert.deepEqual(outcomes(logged), ["redirect-url broke off", "passed on"]);
  });
}

test("a backend that is silent is 504", async (t) => {
  const { page, logged } = await createWorld(t, () => undefined, { "backend-timeout": "300ms" });
  const startedAt = performance.now();
  const late = await browse(`${page}?code=base1&state=s`);
  assert.deepEqual(
    [late.statusCode, late.headers["content-type"], await textOf(late)],
    [504, "text/plain; charset=utf-8", "the service behind this page did not answer in time\n"],
  );
  const ms = performance.now() - startedAt;
  assert.ok(ms >= 290, `${ms} ms`);
  assert.deepEqual(outcomes(logged), ["no answer"]);
});

test("a backend that resets is 502, and is not asked again", async (t) => {
  const { page, logged, requests } = await createWorld(t, (request) => request.socket.resetAndDestroy());
  const gone = await browse(`${page}?code=base1&state=s`);
  assert.deepEqual([gone.statusCode, await textOf(gone)], [502, "the service behind this page cannot be reached\n"]);
  assert.equal(requests.length, 1);
  assert.deepEqual(outcomes(logged), ["no answer"]);
});

const switches: [name: string, head: string][] = [
  ["101 with an Upgrade", "101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket"],
  ["101", "101 Switching Protocols"],
  ["status 99", "099 Odd"],
];
const answerWith =
  (head: string): RequestListener =>
  ({ socket }) =>
    void socket.write(`HTTP/1.1 ${head}\r\n\r\n`);
for (const [what, head] of switches) {
  test(`a backend that answers ${what} is 502 at once, though it keeps the connection`, async (t) => {
    const { page, logged } = await createWorld(t, answerWith(head), { "backend-timeout": "10m" });
    assert.equal((await browse(`${page}?code=base1&state=s`)).statusCode, 502);
    assert.deepEqual(outcomes(logged), ["no answer"]);
  });
}

test("a port where nobody listens is 502", async (t) => {
  const { page } = await createWorld(t, () => undefined, { "redirect-url": "http://127.0.0.1:1/menu" });
  assert.equal((await browse(`${page}?code=base1&state=s`)).statusCode, 502);
});

/** A gateway that passes back what a backend answers with 20 MB, more than a connection holds, with its ends to look at. */
async function createPassing(t: Closing, patience?: number) {
  const backend = await createLoopbackServer(t, (_request, response) => response.end(Buffer.alloc(20_000_000)));
  const passing = Promise.withResolvers<{ answer: IncomingMessage; response: ServerResponse }>();
  const passage = Promise.withResolvers<Passage>();
  const gateway = await createLoopbackServer(t, (_request, response) => {
    const call = { url: new URL(backend.url), headers: ["Host", "backend"], body: Buffer.alloc(0), timeout: 10_000 };
    const called = callBackend({ ...call, signal: new AbortController().signal });
    passing.resolve(called.then((answer) => ({ answer, response })));
    passage.resolve(called.then((answer) => passBack(answer, response, patience)));
  });
  return { url: gateway.url, passing: passing.promise, passage: passage.promise };
}

test("a browser that reads nothing for longer than backend-timeout gets the whole page when it reads on", async (t) => {
  const gateway = await createPassing(t);
  const page = await browse(gateway.url);
  const { answer, response } = await gateway.passing;
  await until(() => response.writableNeedDrain && answer.isPaused(), "the browser takes no more");
  answer.socket.setTimeout(1); // its timeout ends now
  await once(answer.socket, "timeout");
  assert.equal((await buffer(page)).length, 20_000_000);
  assert.deepEqual(await gateway.passage, { outcome: "passed on" });
});

test("a browser that never reads on is cut off, and with it the backend's answer", async (t) => {
  const gateway = await createPassing(t, 300);
  const page = await browse(gateway.url);
  assert.deepEqual(await gateway.passage, { outcome: "browser left" });
  await assert.rejects(buffer(page), { code: "ECONNRESET" });
});

test("closing the bridge waits for an answer that is being passed on", async (t) => {
  const { page, bridge } = await createWorld(t, (_request, response) => void streamSlowly(response, 10, 30));
  const answer = await browse(`${page}?code=base1&state=s`);
  const closed = bridge.close();
  assert.equal((await textOf(answer)).length, 10 * 1024);
  await closed;
});

describe("what takes some seconds", { concurrency: true }, () => {
  test("a backend that falls silent in its body is cut off; one that keeps sending is not", async (t) => {
    let first = true;
    const { page, logged } = await createWorld(
      t,
      (_request, response) => {
        if (!first) return void streamSlowly(response, 12, 300);
        first = false;
        return void response.write("half");
      },
      { "backend-timeout": "3s" },
    );
    await assert.rejects(buffer(await browse(`${page}?code=base1&state=s`)), { code: "ECONNRESET" });
    assert.equal((await textOf(await browse(`${page}?code=base2&state=s`))).length, 12 * 1024);
    assert.deepEqual(outcomes(logged), ["redirect-url broke off", "passed on"]);
  });

  test("no answer and no log line holds the secret, a token or the code", async (t) => {
    const { page, api, logged } = await createWorld(t, (_request, response) => response.end());
    const exchange = "/sns/oauth2/access_token";
    const seen: string[] = [];
    for (const fault of [
      "hang",
      "reset",
      { status: 500 },
      { errcode: 40029, errmsg: `invalid code CODE7 ${secret}` },
    ] as const) {
      api.fail(exchange, fault, 1);
      const answer = await browse(`${page}?code=CODE7&state=s`);
      assert.equal(answer.statusCode, 500);
      seen.push(await textOf(answer));
    }
    assert.deepEqual(seen, [
      `GET ${exchange}: no answer in 5000 ms\n`,
      `GET ${exchange}: no answer (ECONNRESET)\n`,
      `GET ${exchange}: HTTP 500\n`,
      "invalid code *** ***\n",
    ]);
    await textOf(await browse(`${page}?code=CODE7&state=s`));
    for (const line of logged) assert.doesNotMatch(line, new RegExp(`${secret}|CODE7|AT_|SNS_`));
  });

  test("closing the bridge cuts off a page that its backend keeps waiting, and ends the request to the backend", async (t) => {
    const arrivals = createArrivals<Promise<unknown>>("requests");
    const { page, bridge } = await createWorld(t, (_request, response) => arrivals.add(once(response, "close")));
    const browsing = assert.rejects(browse(`${page}?code=base1&state=s`), { code: "ECONNRESET" });
    const [closed] = await arrivals.next();
    await Promise.all([bridge.close(), closed, browsing]);
  });
});

async function checkAlive(page: string): Promise<void> {
  const answer = await browse(`${page}?code=base-alive&state=s`);
  assert.equal(answer.statusCode, 200);
  answer.on("error", () => undefined).destroy();
}
