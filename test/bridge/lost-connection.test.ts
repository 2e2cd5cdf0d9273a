import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test, type TestContext } from "node:test";
import { createBackend, type Backend } from "../support/backend-server.ts";
import { until } from "../support/until.ts";
import { text } from "./consumer-kit.ts";
import { createProxiedBroker, createSystem, type System } from "./system.ts";

const CONCURRENCY = 2;

interface Cut {
  system: System;
  backend: Backend;
  /** Cuts every connection and waits until the dispatcher has one again. */
  cut: () => Promise<void>;
  /** Lets the backend answer 500 to whatever it has got and gets. */
  fail: () => void;
  /** Requests that the backend has at the same time, at most. */
  most: () => number;
}

/** A bridge whose connections to its broker can be cut, and a backend that keeps its requests waiting. */
async function createCut(t: TestContext): Promise<Cut> {
  const gate = Promise.withResolvers<void>();
  let open = 0;
  let most = 0;
  const backend = await createBackend(t, async () => {
    most = Math.max(most, ++open);
    await gate.promise;
    open--;
    return { status: 500 };
  });
  const closing: (() => unknown)[] = [];
  const { url, proxy } = await createProxiedBroker({ after: (close) => void closing.push(close) });
  const services = [{ name: "shop", "msg-proxy-pass": backend.url, concurrency: CONCURRENCY, retry: [], reply: [] }];
  const settings = { amqp: { url, prefix: `t${randomBytes(6).toString("hex")}` } };
  const system = await createSystem(t, { bus: "rabbitmq", services, settings });
  for (const close of closing) t.after(() => close()); // the system has left the broker by then
  const connected = (): number =>
    system.log.filter(
      ({ msg, connection }) => msg === "broker connected" && /dispatcher consuming/.test(String(connection)),
    ).length;
  return {
    system,
    backend,
    async cut() {
      const before = connected();
      proxy.reset();
      await until(() => connected() > before, "a new connection");
    },
    fail: () => gate.resolve(),
    most: () => most,
  };
}

test("over a lost connection a backend gets no more requests at a time than concurrency allows", async (t) => {
  const { system, backend, cut, fail, most } = await createCut(t);
  for (let i = 0; i < CONCURRENCY; i++) await system.wechat("shop").push(text(String(i)));
  await backend.next(CONCURRENCY);
  await cut();
  await assert.rejects(backend.next(1, 1000), /0 of 1/);
  fail();
  await backend.next(CONCURRENCY, 15_000); // those that came again
  assert.equal(most(), CONCURRENCY);
});

test("a delivery that fails after its connection was lost leaves no copy: it comes again itself", async (t) => {
  const { system, backend, cut, fail } = await createCut(t);
  await system.wechat("shop").push(text("hello"));
  await backend.next();
  await cut();
  fail();
  await backend.next(1, 15_000);
  const lines = new Set(["delivery", "delivery cut short"]);
  const told = (): unknown[] =>
    system.log.filter(({ msg }) => lines.has(msg)).map(({ msg, outcome }) => outcome ?? msg);
  await until(() => told().includes("exhausted"), "the end of the last delivery");
  assert.deepEqual(told(), ["delivery cut short", "exhausted"]);
});
