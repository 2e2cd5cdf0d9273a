import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createBackend } from "../support/backend-server.ts";
import type { Closing } from "../support/loopback-server.ts";
import { until } from "../support/until.ts";
import { startProcess } from "./bridge-process.ts";
import {
  askedIn,
  configFor,
  depth,
  firstArrivals,
  ordered,
  places,
  pushAll,
  userNames,
  type Asked,
} from "./ordered.ts";
import { busKinds, createProxiedBroker, createSystem } from "./system.ts";

/** A backend that answers so many requests in 50 ms each, and the others after `finish`: they wait until then. */
async function createHeldBackend(t: Closing, count: number) {
  const asked: Asked[] = [];
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const backend = await createBackend(t, async (request) => {
    asked.push(askedIn(request));
    if (asked.length > count) await finished;
    await sleep(50);
    return { body: { type: "success" } };
  });
  return { backend, asked, finish };
}

for (const bus of busKinds) {
  void test(`${bus}: each user's events come in order whatever fails, users side by side`, async (t) => {
    const taken: Asked[] = [];
    const busy = new Map<string, number>();
    const fourAtOnce = Promise.withResolvers<void>();
    const overlaps: string[] = [];
    const backend = await createBackend(t, async (request) => {
      const asked = askedIn(request);
      if (busy.has(asked.user)) overlaps.push(`${asked.user}: ${busy.get(asked.user)} and ${asked.n}`);
      busy.set(asked.user, asked.n);
      if (busy.size === 4) fourAtOnce.resolve();
      await fourAtOnce.promise;
      await sleep(randomInt(8));
      busy.delete(asked.user);
      // one try in ten fails, but no event three times: a breaker that opened would only make this slow
      if (Number(request.headers["x-wx-attempt"]) < 3 && randomInt(10) === 0) return { status: 503 };
      taken.push(asked);
      return { body: { type: "success" } };
    });
    const services = [{ ...ordered, "msg-proxy-pass": backend.url, retry: ["100ms", "100ms", "100ms"] }];
    const system = await createSystem(t, { bus, services });
    const users = userNames(30);
    await pushAll(system, users, 20);
    await until(() => taken.length >= 600, "every event was taken");
    assert.deepEqual(overlaps, []);
    const expected = users.map((user) => [user, places(20)]);
    const came = users.map((user) => [user, taken.filter((each) => each.user === user).map(({ n }) => n)]);
    assert.deepEqual(came, expected);
  });

  void test(`${bus}: an event that keeps failing holds up its user alone, and then goes to the dead letters`, async (t) => {
    const requests: (Asked & { at: number; attempt: unknown })[] = [];
    const backend = await createBackend(t, (request) => {
      const asked = askedIn(request);
      requests.push({ ...asked, at: Date.now(), attempt: request.headers["x-wx-attempt"] });
      return asked.user === "u100" && asked.n === 0 ? { status: 500 } : { body: { type: "success" } };
    });
    const services = [{ ...ordered, "msg-proxy-pass": backend.url, retry: ["300ms", "400ms"] }];
    const system = await createSystem(t, { bus, services });
    await Promise.all([pushAll(system, ["u100"], 3), pushAll(system, ["u101"], 3)]);
    await until(() => requests.length === 8, "all are done");
    const of = (user: string) => requests.filter((each) => each.user === user);
    assert.deepEqual(
      of("u100").map(({ n, attempt }) => [n, attempt]),
      [
        [0, "1"],
        [0, "2"],
        [0, "3"],
        [1, "1"],
        [2, "1"],
      ],
    );
    assert.ok((of("u101").at(-1)?.at ?? 0) < (of("u100")[2]?.at ?? 0), "the other user did not wait");
    await until(() => system.log.some(({ msg }) => msg === "delivery given up"), "the dead letter is told");
    const [line] = system.log.filter(({ msg }) => msg === "delivery given up");
    assert.deepEqual(
      [line?.["outcome"], line?.["reason"], line?.["attempt"], line?.identity],
      ["exhausted", "status 500", 3, "shop/u100/1001000"],
    );
    assert.match(await system.metrics("dispatcher"), /^wx_dead_total\{service="shop",reason="exhausted"\} 1$/m);
    if (bus === "rabbitmq") assert.equal(await depth(`${system.prefix}.dead`), 1);
  });
}

void test("two dispatchers, one killed and one ended: order is kept apart from repeats of the same event", async (t) => {
  const asked: Asked[] = [];
  const backend = await createBackend(t, async (request) => {
    asked.push(askedIn(request));
    await sleep(randomInt(20));
    return { body: { type: "success" } };
  });
  const service = { ...ordered, "msg-proxy-pass": backend.url };
  const system = await createSystem(t, { bus: "rabbitmq", services: [service], roles: ["gateway"] });
  const file = await configFor(t, system, service);
  const first = await startProcess(t, "dispatcher", file);
  await startProcess(t, "dispatcher", file);
  const users = userNames(10);
  const pushing = pushAll(system, users, 30);
  await until(() => asked.length > 40, "the first dispatcher works");
  await first.end("SIGKILL");
  const third = await startProcess(t, "dispatcher", file);
  await pushing;
  const isDone = (): boolean => [...firstArrivals(asked).values()].flat().length === 300;
  await until(isDone, "every event came");
  const rows = firstArrivals(asked);
  for (const user of users) assert.deepEqual(rows.get(user), places(30), user);
  assert.equal(await third.end("SIGTERM"), 0);
});

void test("after a lost connection what waited in the lanes is not delivered twice", async (t) => {
  const { backend, asked, finish } = await createHeldBackend(t, 20);
  const service = { ...ordered, "msg-proxy-pass": backend.url };
  const system = await createSystem(t, { bus: "rabbitmq", services: [service], roles: ["gateway"] });
  const { url, proxy } = await createProxiedBroker(t);
  const file = await configFor(t, system, service, { amqp: { url, prefix: system.prefix } });
  await startProcess(t, "dispatcher", file);
  const users = userNames(5);
  await pushAll(system, users, 20);
  await until(() => asked.length > 20, "the dispatcher works");
  proxy.reset();
  finish();
  await until(() => [...firstArrivals(asked).values()].flat().length === 100, "every event came");
  await sleep(500); // for repeats
  const rows = firstArrivals(asked);
  for (const user of users) assert.deepEqual(rows.get(user), places(20), user);
  assert.ok(asked.length <= 100 + 2 * users.length, `${asked.length} deliveries`);
});

void test("SIGTERM hands over to the next dispatcher without a repeat, and in order", async (t) => {
  const { backend, asked, finish } = await createHeldBackend(t, 10);
  // more than one dispatcher takes at a time, so that the next one could begin too early
  const service = { ...ordered, "msg-proxy-pass": backend.url, concurrency: 5 };
  const system = await createSystem(t, { bus: "rabbitmq", services: [service], roles: ["gateway"] });
  const file = await configFor(t, system, service);
  const first = await startProcess(t, "dispatcher", file);
  await startProcess(t, "dispatcher", file);
  const users = userNames(5);
  await pushAll(system, users, 20);
  await until(() => asked.length > 10, "the first dispatcher works");
  const ended = first.end("SIGTERM");
  finish();
  assert.equal(await ended, 0);
  await until(() => asked.length >= 100, "every event came");
  for (const user of users) {
    const came = asked.filter((each) => each.user === user).map(({ n }) => n);
    assert.deepEqual(came, places(20), user);
  }
});
