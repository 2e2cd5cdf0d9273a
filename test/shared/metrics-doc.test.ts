import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { createMetrics } from "../../shared/metrics.ts";

const doc = await readFile(new URL("../../docs/metrics.md", import.meta.url), "utf8");
const metrics = await createMetrics().registry.getMetricsAsJSON();
const own = metrics.map(({ name }) => name).filter((name) => name.startsWith("wx_"));

test("every metric has a row in docs/metrics.md, and every row a metric", () => {
  const rows = [...doc.matchAll(/^\| `(wx_\w+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(new Set(rows), new Set(own));
  assert.equal(rows.length, own.length);
});

test("what docs/metrics.md says of metrics elsewhere, in alerts say, names none that is not there", () => {
  const series = new Set(own.flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]));
  const named = new Set(doc.match(/\bwx_\w+/g));
  assert.deepEqual(
    [...named].filter((name) => !series.has(name)),
    [],
  );
});

test("the lines that docs/metrics.md would have one search for are written somewhere", () => {
  const root = new URL("../..", import.meta.url);
  const paths = globSync("{cli,dispatcher,gateway,shared}/**/*.ts", { cwd: root });
  const sources = paths.map((path) => readFileSync(new URL(path, root), "utf8")).join();
  const texts = sources.replaceAll("`no ${name} ", '"no access_token ');
  const named = [...doc.slice(doc.indexOf("Lines worth a search:")).matchAll(/`([^`]+)`/g)].map(([, line]) => line);
  assert.ok(named.includes("ready"));
  assert.deepEqual(
    named.filter((line) => !texts.includes(`"${line}`)),
    [],
  );
});
