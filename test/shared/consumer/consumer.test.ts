import assert from "node:assert/strict";
import { test } from "node:test";
import { createConsumer } from "../../../shared/consumer/consumer.ts";

test("options that say nothing to a consumer are told, for plain JavaScript has no compiler to tell them", async () => {
  const slip = { url: "amqp://127.0.0.1", queue: "shop", prefetchCount: 5, Retry: [] };
  await assert.rejects(
    createConsumer(slip)
      .on("#", () => {})
      .start(),
    {
      code: "CONFIG_INVALID",
      message:
        "consumer shop: there is no option prefetchCount, Retry; there are url, urls, tls, prefix, log, " +
        "queue, exchange, service, bind, concurrency, prefetch, retry, failures",
    },
  );
  const urls = "amqp://127.0.0.1" as unknown as string[];
  await assert.rejects(
    createConsumer({ urls, queue: "shop" })
      .on("#", () => {})
      .start(),
    {
      code: "CONFIG_INVALID",
      message: "a consumer's urls must be a list; use url for one",
    },
  );
  await assert.rejects(
    createConsumer({ url: "amqp://127.0.0.1", urls: ["amqp://127.0.0.2"], queue: "shop" })
      .on("#", () => {})
      .start(),
    { code: "CONFIG_INVALID", message: "a consumer has either url or urls, not both" },
  );
});

test("many consumers of one process share what writes their lines", () => {
  createConsumer({ queue: "first" });
  const before = process.listenerCount("exit");
  for (let i = 0; i < 12; i++) createConsumer({ queue: `queue-${i}` });
  assert.equal(process.listenerCount("exit"), before);
});
