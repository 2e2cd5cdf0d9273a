import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { check } from "./check.ts";
import { oddBody, oddHeaders, oddPath, query } from "./hostile-http.ts";
import { assertQuiet, mark, speakBytes, startTarget, type Spoken } from "./target.ts";

const target = await startTarget({ after: (close) => after(close) });
const service = fc.constantFrom("/plain", "/safe", "/both");

/** Answered with what the error table or HTTP itself names; an account in echo mode holds every push. */
function assertFit({ statuses, said, ms }: Spoken): void {
  for (const status of statuses) assert.ok(status < 500 || status === 505, said);
  assert.ok(ms < 5000, `${ms} ms`);
  assertQuiet(said);
}

async function speakAll(bytes: fc.Arbitrary<Buffer>, numRuns: number): Promise<void> {
  await check(
    fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 8 }), async (all) => {
      for (const spoken of await Promise.all(all.map((each) => speakBytes(target.port, each, 1500)))) assertFit(spoken);
    }),
    numRuns,
  );
  await target.assertWell();
}

function requestOf(line: string, headers: string[], body: Buffer | string = ""): Buffer {
  return Buffer.concat([
    Buffer.from(`${line}\r\n${headers.map((each) => `${each}\r\n`).join("")}\r\n`, "latin1"),
    Buffer.from(body),
  ]);
}
const host = ["Host: x", "Connection: close"];
test("queries and paths", async () => {
  const path = fc.oneof(service, oddPath);
  const method = fc.constantFrom("GET", "POST", "HEAD", "PUT", "OPTIONS", "TRACE", "PROPFIND", "QUERY", "M-SEARCH");
  const line = fc.tuple(method, path, query).map(([verb, where, asked]) => `${verb} ${where}?${asked} HTTP/1.1`);
  await speakAll(
    line.map((each) => requestOf(each, host)),
    40,
  );
});

test("parameters added to a signed query", async () => {
  const unechoed = query.map((asked) => asked.replaceAll("echostr=", "echo="));
  const asked = fc.tuple(service, unechoed).map(([where, more]) => `${target.signed(where)}&${more}`);
  const line = fc.tuple(fc.constantFrom("GET", "POST"), asked).map(([verb, url]) => `${verb} ${url} HTTP/1.1`);
  await speakAll(
    line.map((each) => requestOf(each, [...host, `Content-Length: ${mark.length}`], mark)),
    30,
  );
});
test("headers, framing and bodies, signed and unsigned", async () => {
  const url = fc.tuple(service, fc.boolean(), fc.constantFrom({}, { encrypt_type: "aes", msg_signature: "x" }));
  const request = fc
    .tuple(url, oddHeaders, oddBody, fc.boolean())
    .map(([[where, isSigned, more], headers, sent, isHonest]) => {
      const length = isHonest ? [`Content-Length: ${sent.length}`] : [];
      return requestOf(
        `POST ${isSigned ? target.signed(where, more) : where} HTTP/1.1`,
        [...host, ...length, ...headers],
        sent,
      );
    });
  await speakAll(request, 80);
});

test("bytes that are no HTTP", async () => {
  const start = fc.constantFrom(
    "",
    "GET ",
    "POST /safe HTTP/1.1\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01",
    "GET / HTTP/9.9\r\n\r\n",
  );
  const bytes = fc
    .tuple(start, fc.uint8Array())
    .map(([head, rest]) => Buffer.concat([Buffer.from(head, "latin1"), rest]));
  await speakAll(bytes, 20);
});

test("bodies at and over the limit, told, lied about and chunked", async () => {
  const limit = 1024 * 1024;
  for (const size of [limit - 1, limit, limit + 1, 4 * limit]) {
    for (const path of [
      target.signed("/plain"),
      target.signed("/safe", { encrypt_type: "aes", msg_signature: "x" }),
      "/plain",
    ]) {
      const line = `POST ${path} HTTP/1.1`;
      const sent = Buffer.alloc(size, "a");
      assertFit(await speakBytes(target.port, requestOf(line, [...host, `Content-Length: ${size}`], sent)));
      const chunked = `${size.toString(16)}\r\n${sent.toString()}\r\n0\r\n\r\n`;
      const spoken = await speakBytes(target.port, requestOf(line, [...host, "Transfer-Encoding: chunked"], chunked));
      assertFit(spoken);
      // None when the connection was cut before the answer was read.
      if (path !== "/plain" && size > limit)
        assert.ok(
          spoken.statuses.every((status) => status === 413),
          spoken.said,
        );
    }
  }
  await target.assertWell();
});
test("a path that a router would take for a pattern is not found, like any other", async () => {
  for (const path of ["/*a", "*a", "/:a(", "/(.*"]) {
    assert.deepEqual((await speakBytes(target.port, requestOf(`GET ${path} HTTP/1.1`, host))).statuses, [404], path);
  }
});
