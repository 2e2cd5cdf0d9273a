import assert from "node:assert/strict";
import { test } from "node:test";
import { storeSchema } from "../../gateway/gateway.ts";
import { readyForBroker, readStep } from "../../gateway/left-behind.ts";
import { insertSpooled } from "../../gateway/spool-table.ts";
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
  journal.add("wx.retry.1s", { ...message, ...retry, routingKey: "wx-consumer" }, Date.now());
  await store.write((db) => insertSpooled(db, [{ service: "shop", user: "shop/oUSER1", message }]));
  const { database } = store;
  const left = (prefix: string) => {
    const { pushes, last } = readStep(database, createNames(prefix));
    return { to: pushes.map(({ message: { exchange, routingKey } }) => `${exchange}>${routingKey}`), ...last };
  };
  const refusals = [
    ["PRAGMA query_only = ON", "PRAGMA query_only = OFF"], // at once
    ["CREATE TRIGGER no BEFORE INSERT ON spool BEGIN SELECT RAISE(ABORT, 'no'); END", "DROP TRIGGER no"], // midway
  ] as const;
  for (const [refuse, heal] of refusals) {
    database.exec(refuse);
    readyForBroker(database, createNames("shop"), log);
    const to = [
      ">wx.dispatch.shop",
      "wx.retry.1s>wx.dispatch.shop",
      "wx.retry.1s>wx-consumer",
      "wx.events.shop>msg.text",
    ];
    assert.deepEqual(left("wx"), { to, journal: 3, spool: 1 });
    assert.match(lines.all.at(-1)?.msg ?? "", /check data-dir's disk, then start again/);
    database.exec(heal);
    await store.write(() => {}); // as the spool does meanwhile
  }
  assert.equal(lines.all.length, 2);
  for (const prefix of ["shop", "shop", "msg", "other"]) {
    readyForBroker(database, createNames(prefix), log);
    const journaled = [`>${prefix}.dispatch.shop`, `${prefix}.retry.1s>${prefix}.dispatch.shop`];
    const to = [`${prefix}.events.shop>msg.text`, ...journaled, `${prefix}.retry.1s>wx-consumer`];
    assert.deepEqual(left(prefix), { to, journal: 0, spool: 4 });
  }
});
