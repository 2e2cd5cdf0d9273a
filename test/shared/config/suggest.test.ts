import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "../../../shared/config/duration.ts";
import { suggest } from "../../../shared/config/suggest.ts";

test("a slip suggests the nearest key", () => {
  const keys = ["app-id", "app-secret", "aes-key", "token", "workerNum"];
  assert.equal(suggest("appSecret", keys), "app-secret");
  assert.equal(suggest("aes_key", keys), "aes-key");
  assert.equal(suggest("tokne", keys), "token");
  assert.equal(suggest("worker-num", keys), "workerNum");
  assert.equal(suggest("app-secert", keys), "app-secret");
  assert.equal(suggest("colour", keys), undefined);
  assert.equal(suggest("token", []), undefined);
});

test("durations become milliseconds", () => {
  const durations = ["1ms", "30s", "2m", "6h", "7d", 250].map((duration) => parseDuration(duration));
  assert.deepEqual(durations, [1, 30_000, 120_000, 21_600_000, 604_800_000, 250]);
  const others = ["", "s", "0s", "01s", "1.5s", "1min", "-1s", " 1s", "1s\n"].map((duration) =>
    parseDuration(duration),
  );
  assert.deepEqual(others, Array(9).fill(undefined));
});
