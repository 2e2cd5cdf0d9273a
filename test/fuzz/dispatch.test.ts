import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Properties } from "../../shared/bus/bus.ts";
import { createDispatching, event, until } from "../dispatcher/dispatching.ts";
import { check } from "./check.ts";
import { hostileJson } from "./hostile-json.ts";
import { spoilt } from "./hostile-xml.ts";

const deep = "[".repeat(100_000) + "]".repeat(100_000);
const body = fc.oneof(
  fc.constantFrom(
    "",
    "null",
    "[]",
    "1",
    '"x"',
    "{",
    event,
    `{"FromUserName":5,"Content":{}}`,
    `{"Content":${deep}}`,
    deep,
  ),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  spoilt(hostileJson),
);
const odd = fc.oneof(
  fc.constantFrom(null, true, -1, 1e308, Number.NaN, 0, {}, [], Buffer.from("x"), "\n", "1"),
  fc.string(),
);
const headers = fc.dictionary(
  fc.constantFrom(
    "x-wx-attempt",
    "x-wx-deadline",
    "x-wx-budget",
    "x-wx-service",
    "x-wx-error",
    "traceparent",
    "x-delivery-count",
    "x-death",
  ),
  odd,
);
const word = fc.oneof(
  fc.constantFrom("", "msg.text", "msg.image", "../..", "msg.a/b?c#d", "event.x\r\nA: b", "中.文"),
  fc.string(),
);
const properties = fc.record(
  {
    type: word,
    messageId: word,
    correlationId: word,
    replyTo: word,
    appId: word,
    contentType: word,
    timestamp: fc.integer(),
    headers,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Properties>;

const deliveries: Record<string, Record<string, unknown>> = {
  http: {},
  echo: { delivery: "echo" },
  "fan-out": { "fan-out": true },
  "userInfo wanted": { "dont-append-userinfo": false },
};

for (const [name, settings] of Object.entries(deliveries)) {
  test(`${name}: whatever lies in the queue is ended, and what comes behind is worked on`, async (t) => {
    const top = { "wx-api-base": "http://127.0.0.1:1" };
    const { bus, names, publish, settled, lines, watch } = await createDispatching(t, { settings, top });
    let published = 0;
    await check(
      fc.asyncProperty(properties, body, async (given, content) => {
        const exchange = names.eventsOf("shop");
        await bus.publish(
          { exchange, routingKey: "msg.text", body: Buffer.from(content), properties: given },
          { timeout: 1000 },
        );
        await settled(++published);
      }),
      150,
    );
    const replies = watch(names.repliesOf("i"));
    await publish();
    await replies();
    await until(
      () => lines.filter((line) => line.includes(`"msg":"delivery"`)).length > published,
      "the last one ended",
    );
    assert.equal(await bus.depth(names.dispatchOf("shop")), 0);
    assert.ok(!lines.some((line) => line.includes("delivery cut short")));
    assert.ok(!lines.some((line) => line.includes("    at ")), "a stack in the log");
  });
}

const poisons: [what: string, given: { properties?: Properties; body?: string }, error: string][] = [
  ["a body that is no JSON", { body: "hello" }, "its body is not a JSON object"],
  ["no body", { body: "" }, "its body is not a JSON object"],
  ["a list", { body: "[]" }, "its body is not a JSON object"],
  ["a type that leads elsewhere", { properties: { type: "msg.text/../../admin" } }, "its type is no routing key"],
  ["an identity that is none", { properties: { messageId: "a\r\nb: c" } }, "its message_id is no identity"],
];
for (const [what, given, error] of poisons) {
  test(`${what}: to the dead letters at once, told why, and no backend is asked`, async (t) => {
    const { publish, watch, names, backend, settled } = await createDispatching(t);
    const dead = watch(names.dead);
    await publish(given);
    const { properties, body: kept } = await dead();
    assert.deepEqual([properties.headers?.["x-wx-reason"], properties.headers?.["x-wx-error"]], ["poison", error]);
    assert.equal(kept.toString(), given.body ?? event);
    await settled();
    assert.equal(backend.requests.length, 0);
  });
}
