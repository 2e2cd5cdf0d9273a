import assert from "node:assert/strict";
import { test } from "node:test";
import { createBreaker } from "../../dispatcher/breaker.ts";
import { createClock } from "../shared/api/api-server.ts";

function createOpened() {
  const clock = createClock();
  const breaker = createBreaker(clock.now);
  for (let i = 0; i < 5; i++) {
    assert.equal(breaker.admit(), true);
    breaker.report(false);
  }
  return { clock, breaker };
}

test("4 failures in a row leave it closed, the 5th opens it", () => {
  const breaker = createBreaker();
  for (let i = 0; i < 4; i++) breaker.report(false);
  assert.deepEqual([breaker.isOpen, breaker.admit()], [false, true]);
  breaker.report(false);
  assert.deepEqual([breaker.isOpen, breaker.admit()], [true, false]);
});

test("a success ends the row", () => {
  const breaker = createBreaker();
  for (const succeeded of [false, false, false, false, true, false, false, false, false]) breaker.report(succeeded);
  assert.equal(breaker.isOpen, false);
});

test("an open one lets one probe through every 10 s", () => {
  const { clock, breaker } = createOpened();
  clock.pass(9999);
  assert.equal(breaker.admit(), false);
  clock.pass(1);
  assert.deepEqual([breaker.admit(), breaker.admit(), breaker.admit()], [true, false, false]);
  breaker.report(false);
  assert.deepEqual([breaker.isOpen, breaker.admit()], [true, false]);
  clock.pass(10_000);
  assert.deepEqual([breaker.admit(), breaker.admit()], [true, false]);
});

test("a probe that succeeds closes it for all", () => {
  const { clock, breaker } = createOpened();
  clock.pass(10_000);
  breaker.admit();
  breaker.report(true);
  assert.equal(breaker.isOpen, false);
  assert.deepEqual([breaker.admit(), breaker.admit(), breaker.admit()], [true, true, true]);
});

test("calls that were under way when it opened change nothing, unless one succeeds", () => {
  const { clock, breaker } = createOpened();
  clock.pass(5000);
  breaker.report(false);
  clock.pass(5000);
  assert.equal(breaker.admit(), true, "the late failure put off the probe");
  breaker.report(true);
  assert.equal(breaker.isOpen, false);
});
