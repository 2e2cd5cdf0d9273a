import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { inTime } from "../../shared/in-time.ts";
import { holdUp } from "../support/hold-up.ts";

const late = () => new Error("late");

test("what came in time counts though its time was over before this process had a turn", async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const coming = once(port2, "message");
  await nextTurn(); // what comes next then is timers, and what can be read only after them
  port1.postMessage("came");
  const waiting = inTime(coming, 1, late);
  holdUp(5);
  assert.deepEqual(await waiting, ["came"]);
});

test("what does not come is waited for no longer than said", async () => {
  await assert.rejects(inTime(new Promise(() => {}), 1, late), { message: "late" });
});
