import assert from "node:assert/strict";
import { test } from "node:test";
import { HandlerTable } from "../../../shared/consumer/handlers.ts";

test("a handler that is none is told at once: its events would be acked unseen", () => {
  const handlers: Record<string, () => string> = {};
  assert.throws(() => new HandlerTable().on("msg.text", handlers["mistyped"] as () => string), {
    code: "CONFIG_INVALID",
    message: "the handler for msg.text is no function",
  });
});
