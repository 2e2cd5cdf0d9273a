import assert from "node:assert/strict";
import { test } from "node:test";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { createSystem } from "./system.ts";

test("what alerts ask the increase of is there from the start, for every service and outcome", async (t) => {
  const dataDir = createTemporaryFolder(t);
  const services = [{ name: "one" }, { name: "two" }];
  const system = await createSystem(t, { bus: "in-process", services, settings: { "data-dir": dataDir } });
  const metrics = await system.metrics();
  for (const service of ["one", "two"]) {
    const valuesOf = (name: string, label: string): string[] =>
      [...metrics.matchAll(new RegExp(`^${name}\\{service="${service}",${label}="([a-z]+)"\\} 0$`, "gm"))].map(
        ([, value]) => value ?? "",
      );
    assert.deepEqual(valuesOf("wx_dead_total", "reason"), ["exhausted", "rejected", "unhandled", "poison"]);
    assert.deepEqual(valuesOf("wx_spool_total", "outcome"), ["spooled", "published", "refused"]);
    assert.deepEqual(
      valuesOf("wx_late_replies_total", "outcome").toSorted(),
      ["sent", "dropped", "duplicate", "retry", "refused", "expired", "unanswered"].toSorted(),
    );
  }
});
