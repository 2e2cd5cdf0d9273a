import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { createSystem } from "../bridge/system.ts";
import { createBackend, type BackendHandler } from "../support/backend-server.ts";
import { createLoopbackServer } from "../support/loopback-server.ts";
import { parseReply } from "../support/wechat-reply.ts";
import { check } from "./check.ts";
import { hostileJson } from "./hostile-json.ts";
import { spoilt } from "./hostile-xml.ts";
import { assertQuiet, mark } from "./target.ts";

const closing = { after: (close: () => Promise<void>) => after(close) };
let answerWith: { status: number; headers: [string, string][]; body: Buffer; isBroken: boolean };
const hostile = await createLoopbackServer(closing, (request, response) => {
  request.resume().on("end", () => {
    const { status, headers, body, isBroken } = answerWith;
    if (isBroken) response.socket?.end(body);
    else response.writeHead(status, headers.flat()).end(body);
  });
});
const honest = await createBackend(closing);
const system = await createSystem(closing, {
  bus: "in-process",
  services: [
    { name: "hostile", "msg-proxy-pass": hostile.url, retry: [], "backend-timeout": 1000 },
    { name: "channels", "msg-proxy-pass": hostile.url, retry: [], "backend-timeout": 1000, "is-channels-ec": true },
    { name: "honest", "msg-proxy-pass": honest.url, sealed: true },
    { name: "plain", "msg-proxy-pass": honest.url, sealed: false },
  ],
});

let count = 0;
const cdata = (text: string): string => `<![CDATA[${text.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
function pushOf(Content: string): string {
  const head = `<ToUserName>gh</ToUserName><FromUserName>oFUZZ</FromUserName><CreateTime>1700000000</CreateTime>`;
  return `<xml>${head}<MsgType>text</MsgType><Content>${cdata(Content)}</Content><MsgId>${++count}</MsgId></xml>`;
}

const big = Buffer.alloc(3 * 1024 * 1024, "a");
const deepArticles = `{"type":"news","articles":[{"title":"t","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}]}`;
const body = fc.oneof(
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  spoilt(hostileJson),
  fc
    .constantFrom("", "success", `{"msg":"${mark}"`, deepArticles, `{"type":"text","msg":["${mark}"]}`)
    .map((text) => Buffer.from(text)),
  fc.constant(big),
);
const header = fc.constantFrom<[string, string]>(
  ...(
    [
      ["Content-Type", "x"],
      ["Content-Encoding", "gzip"],
      ["Location", "http://[bad"],
      ["Location", "ftp://x/"],
    ] as const
  ).map(([a, b]) => [a, b] as [string, string]),
  ["Content-Length", "5"],
  ["Set-Cookie", "a".repeat(7000)],
  ["X-A", "a".repeat(60_000)],
);

test("whatever a backend answers, WeChat gets an answer in time, and so does the next push", async () => {
  const status = fc.oneof(
    { weight: 5, arbitrary: fc.constant(200) },
    { weight: 1, arbitrary: fc.integer({ min: 200, max: 999 }) },
  );
  const isBroken = fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
  const answer = fc.record({ status, headers: fc.array(header, { maxLength: 2 }), body, isBroken });
  await check(
    fc.asyncProperty(answer, fc.constantFrom("hostile", "channels"), async (given, service) => {
      answerWith = given;
      const { status, ms, opened } = await system.wechat(service).push(pushOf("hi"));
      assert.equal(status, 200);
      assert.ok(ms < 5000, `${ms} ms`);
      if (service === "hostile" && opened !== "success" && opened !== "" && !given.body.includes("raw"))
        parseReply(opened);
    }),
    150,
  );
  const { opened } = await system.wechat("honest").push(pushOf("still well"));
  assert.equal(parseReply(opened)["Content"], "ok");
  assert.ok(!system.log.some(({ msg }) => msg === "delivery cut short" || msg === "request failed"));
  assertQuiet(JSON.stringify(system.log));
});

// eslint-disable-next-line no-control-regex -- these are the characters XML 1.0 forbids
const forbidden = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;
const spoken = fc.string({ unit: "binary", minLength: 1, maxLength: 200 }).filter((text) => text.isWellFormed());

test("a user's text reaches the backend, and the backend's the user, character for character", async () => {
  const echoing = ((request) => ({
    body: { type: "text", msg: (request.json as { Content: string }).Content },
  })) satisfies BackendHandler;
  honest.answer(echoing);
  await check(
    fc.asyncProperty(spoken, fc.constantFrom("honest", "plain"), fc.boolean(), async (text, service, inJson) => {
      const sent = inJson
        ? JSON.stringify({
            ToUserName: "gh",
            FromUserName: "oFUZZ",
            CreateTime: 1700000000,
            MsgType: "text",
            Content: text,
            MsgId: ++count,
          })
        : pushOf(text);
      const { opened } = await system.wechat(service).push(sent);
      // Ends of lines are XML's to normalise (XML 1.0, 2.11).
      const arrived = inJson ? text : text.replaceAll(/\r\n?/g, "\n");
      const json = honest.requests.at(-1)?.json as { Content: string };
      assert.equal(json.Content, arrived);
      const legal = inJson ? arrived : arrived.replaceAll(forbidden, "");
      assert.equal(parseReply(opened)["Content"], legal);
    }),
    200,
  );
});
