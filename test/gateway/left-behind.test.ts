import assert from "node:assert/strict";
import { test } from "node:test";
import { storeSchema } from "../../gateway/gateway.ts";
import { readyForBroker, readStep } from "../../gateway/left-behind.ts";
import { createJournal } from "../../shared/bus/journal.ts";
import { createNames } from "../../shared/bus/names.ts";
import { openStore } from "../../shared/store/store.ts";
import { createTestLog } from "../shared/bus/test-log.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

test("on a disk that takes nothing, what the in-process bus left stays for the next start, which is told; a new prefix renames it", async (t) => {
  const { log, lines } = createTestLog();
  const store = openStore(createTemporaryFolder(t), storeSchema, log);
  t.after(() => store.close());
  const journal = createJournal(store);
  const message = { exchange: "wx.events.shop", routingKey: "msg.text", body: Buffer.from("{}"), properties: {} };
  journal.add("wx.dispatch.shop", message, Number.POSITIVE_INFINITY);
  const retry = { exchange: "wx.retry.1s", routingKey: "wx.dispatch.shop" };
  journal.add("wx.retry.1s", { ...message, ...retry }, Date.now());
  await journal.written();
  const { database } = store;
  const left = (prefix: string) => {
    const { pushes, last } = readStep(database, createNames(prefix));
    return { to: pushes.map(({ message: { exchange, routingKey } }) => `${exchange}>${routingKey}`), ...last };
  };
  database.exec("PRAGMA query_only = ON"); // from here on SQLite fails every write
  readyForBroker(database, createNames("shop"), log);
  assert.deepEqual(left("wx"), { to: [">wx.dispatch.shop", "wx.retry.1s>wx.dispatch.shop"], journal: 2, spool: 0 });
  assert.match(lines.all.at(-1)?.msg ?? "", /check data-dir's disk, then start again/);
  database.exec("PRAGMA query_only = OFF");
  for (const prefix of ["shop", "shop", "other"]) {
    readyForBroker(database, createNames(prefix), log);
    const to = [`>${prefix}.dispatch.shop`, `${prefix}.retry.1s>${prefix}.dispatch.shop`];
    assert.deepEqual(left(prefix), { to, journal: 0, spool: 2 });
  }
});
