import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { createHttpServer } from "../../gateway/http-server.ts";
import { createMetrics } from "../../shared/metrics.ts";
import { createTestLog, type LogLine } from "../shared/bus/test-log.ts";
import { createEchoBridge, requestBytes, speak } from "./echo-bridge.ts";

const bridge = await createEchoBridge({ after: (close) => after(close) }, [
  { name: "wx", token: "TokenOfWx" },
  { name: "safe", token: "TokenOfSafe", sealed: true },
]);
const { port } = bridge;
const secrets = ["TokenOf", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"];
const message = (Content: string) => `<xml><MsgType>text</MsgType><Content>${Content}</Content><MsgId>1</MsgId></xml>`;

const paths: [line: string, status: number, body: string][] = [
  ["GET /wx/", 404, "404 page not found\n"],
  ["GET /WX", 404, "404 page not found\n"],
  ["GET /wx3", 404, "404 page not found\n"],
  ["GET //wx", 404, "404 page not found\n"],
  ["GET /", 404, "404 page not found\n"],
  ["POST /nope", 404, "404 page not found\n"],
  ["PUT /wx", 405, ""],
  ["DELETE /wx", 405, ""],
  ["OPTIONS /wx", 405, ""],
  ["GET /%zz?signature=Sig1Strange", 400, "bad request\n"],
];
for (const [line, status, body] of paths) {
  test(`${line} is ${status}`, async () => {
    assert.partialDeepStrictEqual(await speak(port, requestBytes(line)), { status, body });
  });
}

test("a body of 1 MiB is read, one byte more is 413, told or chunked", async () => {
  const path = `POST ${bridge.signed("wx")}`;
  const whole = await speak(port, requestBytes(path, [], "x".repeat(1024 * 1024)));
  assert.deepEqual([whole.status, whole.body], [400, "the body is neither XML nor a JSON object\n"]);
  const told = await speak(port, requestBytes(path, ["Content-Length: 1048577"]));
  assert.deepEqual([told.status, told.body], [413, "a push has at most 1048576 bytes\n"]);
  const size = (1024 * 1024 + 1).toString(16);
  const chunk = `${size}\r\n${"x".repeat(1024 * 1024 + 1)}\r\n0\r\n\r\n`;
  assert.equal((await speak(port, requestBytes(path, ["Transfer-Encoding: chunked"]) + chunk)).status, 413);
});

test("no body at all", async () => {
  const answer = await speak(port, requestBytes(`POST ${bridge.signed("wx")}`));
  assert.deepEqual([answer.status, answer.body], [400, "the body is neither XML nor a JSON object\n"]);
});

const probe = `{"action":"CheckContainerPath"}`;
test("cloud hosting's probe is answered unsigned and published nowhere", async () => {
  for (const name of ["wx", "safe"]) {
    assert.partialDeepStrictEqual(await speak(port, requestBytes(`POST /${name}`, [], probe)), {
      status: 200,
      body: "success",
    });
  }
  assert.doesNotMatch(await bridge.metrics(), /wx_pushes_total\{[^}]*key="other"/);
  assert.ok(!bridge.lines.some((line) => line.includes(`"key":"msg._"`)), "a probe was taken for a push");
});
for (const almost of [
  `${probe}\n`,
  ` ${probe}`,
  `{"action": "CheckContainerPath"}`,
  `{"action":"CheckContainerPath","a":1}`,
]) {
  test(`no probe: ${JSON.stringify(almost)}`, async () => {
    assert.equal((await speak(port, requestBytes("POST /wx", [], almost))).status, 400);
  });
}

test("no answer to a stranger and no log line holds a secret, a query or a stack", async () => {
  const strange = [
    ...paths.map(([line]) => requestBytes(line)),
    requestBytes(`POST ${bridge.signed("safe")}`, [], message("CONTENT")),
    requestBytes(`POST ${bridge.signed("wx", { encrypt_type: "rsa" })}`, [], message("CONTENT")),
    requestBytes("POST /wx?signature=Sig1Strange&timestamp=1&nonce=NONCE", [], "CONTENT"),
    requestBytes(`POST ${bridge.signed("wx")}`, [], "<CONTENT>"),
    "CONTENT\r\n\r\n",
    requestBytes(`GET /wx?${"NONCE".repeat(5000)}`),
  ];
  const answers = await Promise.all(strange.map((bytes) => speak(port, bytes)));
  const said = [...answers.map(({ headers, body }) => headers + body), ...bridge.lines].join("\n");
  for (const secret of [...secrets, "CONTENT", "Sig1Strange", "NONCE", "    at ", "node_modules", "hello<"]) {
    assert.ok(!said.includes(secret), `${secret} got out`);
  }
  for (const { status } of answers) assert.ok(status >= 400 && status < 500, String(status));
});

test("what nobody foresaw is answered 503 with no word of its own, and logged by its name and place", async (t) => {
  const { log, lines } = createTestLog();
  const app = createHttpServer({ serviceOf: () => "shop", log, metrics: createMetrics() });
  app.post("/shop", () => {
    throw new TypeError("CONTENT of a message");
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => app.close());
  const { port: ownPort } = app.server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${ownPort}/shop?signature=Sig1Strange`, { method: "POST", body: "x" });
  assert.deepEqual([answer.status, await answer.text()], [503, "try again\n"]);
  const { code, reason, at, msg } = lines.all[0] as LogLine;
  assert.deepEqual({ code, reason, msg }, { code: "INTERNAL", reason: "TypeError", msg: "request failed" });
  assert.match(String(at), /^http-refusals\.test\.ts:\d+$/);
  assert.doesNotMatch(JSON.stringify(lines.all), /CONTENT|Sig1Strange|node_modules/);
});

test("a path that cannot be decoded is logged with a time, too", async (t) => {
  const { log, lines } = createTestLog();
  const app = createHttpServer({ serviceOf: () => "other", log, metrics: createMetrics() });
  await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => app.close());
  const { port: ownPort } = app.server.address() as AddressInfo;
  assert.equal((await fetch(`http://127.0.0.1:${ownPort}/%zz`)).status, 400);
  assert.partialDeepStrictEqual(lines.all, [{ code: "BAD_REQUEST", ms: 0, msg: "request refused" }]);
});
