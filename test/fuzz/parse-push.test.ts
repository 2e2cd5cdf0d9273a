import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { isFailure } from "../../shared/failure.ts";
import { parsePush, type Push } from "../../shared/wechat/push.ts";
import { parseXml } from "../../shared/wechat/xml.ts";
import { check } from "./check.ts";
import { hostileJson, hugeJson } from "./hostile-json.ts";
import { hostileXml, hugeXml, spoilt } from "./hostile-xml.ts";

/** No body of 1 MiB may keep the process busy for longer, in ms of its own; 20 times what a quiet machine takes. */
const LONGEST = 8000;

/** Tells how long the process has been busy since, in ms: what others take of a busy machine does not count. */
function measure(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}

function tryParse(body: Buffer): Push | undefined {
  const took = measure();
  try {
    return parsePush(body, "shop");
  } catch (error) {
    assert.ok(isFailure(error, "MALFORMED_PUSH"), String(error));
    return undefined;
  } finally {
    assert.ok(took() < LONGEST, `${took()} ms`);
  }
}

function assertCarriable(push: Push | undefined): void {
  if (push === undefined) return;
  assert.match(push.routingKey, /^(msg|event|info)\.[A-Za-z0-9_-]+$/);
  assert.ok(push.routingKey.length <= 255);
  assert.match(push.identity, /^shop\/[A-Za-z0-9._~%-]*\/[A-Za-z0-9._~%-]+$/);
  assert.ok(push.identity.length <= 200);
  assert.ok(Number.isSafeInteger(push.CreateTime) && push.CreateTime >= 0, String(push.CreateTime));
  assert.equal(typeof JSON.parse(push.json), "object");
}

test("any bytes, XML and JSON are a push that AMQP can carry, or refused as malformed", async () => {
  const start = fc.constantFrom("<", "{", "<xml>", "");
  const bytes = fc
    .tuple(start, fc.uint8Array({ maxLength: 200 }))
    .map(([head, rest]) => Buffer.concat([Buffer.from(head), rest]));
  const body = fc.oneof(bytes, spoilt(hostileXml), spoilt(hostileJson));
  await check(
    fc.property(body, (given) => assertCarriable(tryParse(given))),
    900,
  );
});

test("a body of 1 MiB that repeats itself is read in time", async () => {
  const huge = fc.oneof(hugeXml, hugeJson);
  await check(
    fc.property(huge, (given) => assertCarriable(tryParse(Buffer.from(given)))),
    6,
  );
});

test("the reader of flat XML and the whole parser agree", async () => {
  await check(
    fc.property(hostileXml, (given) => {
      const flat = readOrRefuse(given);
      assert.deepEqual(flat, readOrRefuse(`${given}<!---->`));
    }),
    900,
  );
});

test("what a user can type is passed on as it is", async () => {
  const typed = fc
    .string({ unit: "binary", maxLength: 60 })
    .filter((text) => text.isWellFormed() && !/[\r<&]/.test(text));
  await check(
    fc.property(typed, fc.boolean(), (Content, inCdata) => {
      const written = inCdata
        ? `<![CDATA[${Content.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`
        : Content.replaceAll("]]>", "]]&gt;");
      const push = tryParse(Buffer.from(`<xml><MsgType>text</MsgType><Content>${written}</Content></xml>`));
      assert.equal(JSON.parse(push?.json ?? "{}").Content, Content);
    }),
    1000,
  );
});

test("counts that WeChat states are never believed for a size", () => {
  const list = `<ResultList><item><ArticleIdx>1</ArticleIdx></item></ResultList>`;
  const sent = `<CopyrightCheckResult><Count>2000000000</Count>${list}</CopyrightCheckResult><TotalCount>2000000000</TotalCount>`;
  const push = parsePush(
    Buffer.from(`<xml><MsgType>event</MsgType><Event>MASSSENDJOBFINISH</Event>${sent}</xml>`),
    "shop",
  );
  const { ResultCount, ResultList, TotalCount } = JSON.parse(push.json);
  assert.deepEqual([ResultCount, ResultList.length, TotalCount], [2_000_000_000, 1, 2_000_000_000]);
  for (const count of ["-1", "9".repeat(400), "<a/>", "NaN"]) {
    const odd = sent.replaceAll("2000000000", count);
    assertCarriable(tryParse(Buffer.from(`<xml><MsgType>event</MsgType><Event>MASSSENDJOBFINISH</Event>${odd}</xml>`)));
  }
});

test("no markup declaration is taken for an element", () => {
  for (const declaration of ["<!ENTITY a 'b'>", "<!doctype xml>", "<!a></!a>", "<!"]) {
    assert.equal(tryParse(Buffer.from(`<xml><MsgType>text</MsgType>${declaration}</xml>`)), undefined, declaration);
  }
});

test("a long name with many children costs no more than its length", () => {
  const name = "x".repeat(256 * 1024);
  const took = measure();
  parseXml(`<xml><${name}>${"<a/>".repeat(128 * 1024)}</${name}></xml>`);
  assert.ok(took() < LONGEST, `${took()} ms`);
});

function readOrRefuse(text: string): unknown {
  try {
    return parseXml(text);
  } catch (error) {
    assert.ok(isFailure(error, "MALFORMED_PUSH"), String(error));
    return "refused";
  }
}
