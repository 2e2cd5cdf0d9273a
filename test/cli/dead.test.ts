import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConsumeMessage } from "amqplib";
import { Command } from "commander";
import {
  createDeadFilter,
  readDeadLetter,
  replayProperties,
  type DeadFilter,
  type DeadLetter,
} from "../../cli/dead-letter.ts";
import { addDeadOptions, isUnfiltered, type DeadOptions } from "../../cli/dead-options.ts";
import { tableOf } from "../../cli/dead-table.ts";
import { escapeForTerminal } from "../../shared/escape-controls.ts";
import { runCommand, writeTemporary } from "./run-command.ts";

const now = 1_800_000_000_000;
const HOUR = 3_600_000;
const letter: DeadLetter = {
  service: "shop",
  key: "msg.text",
  reason: "exhausted",
  attempts: 8,
  error: "status 500",
  deadAt: now - 2 * HOUR,
  identity: "shop/oUSER1/1",
};

const means = (filter: DeadFilter) => createDeadFilter(filter, now)(letter);

test("a filter means what fits all its parts", () => {
  assert.equal(means({}), true);
  assert.equal(
    means({ service: "shop", key: "msg.*", reason: "exhausted", olderThan: HOUR, newerThan: 3 * HOUR }),
    true,
  );
  assert.equal(means({ service: "other" }), false);
  assert.equal(means({ key: "event.#" }), false);
  assert.equal(means({ key: "#" }), true);
  assert.equal(means({ reason: "rejected" }), false);
  assert.equal(means({ identity: "shop/oUSER1/2" }), false);
  assert.equal(means({ olderThan: 2 * HOUR }), false);
  assert.equal(means({ newerThan: 2 * HOUR }), false);
});

test("what does not say when it died is neither older nor newer", () => {
  const unknown = { ...letter, deadAt: undefined };
  assert.equal(createDeadFilter({ olderThan: 1 }, now)(unknown), false);
  assert.equal(createDeadFilter({ newerThan: 1e12 }, now)(unknown), false);
  assert.equal(createDeadFilter({}, now)(unknown), true);
});

test("what says neither whose it is nor its key is named by its identity and where it came from", () => {
  const fields = { routingKey: "shop.queue" } as Parameters<typeof readDeadLetter>[0]["fields"];
  const properties = { messageId: "shop/oUSER1/1", headers: {} } as Parameters<typeof readDeadLetter>[0]["properties"];
  const unknown = { reason: "", attempts: 1, error: "", deadAt: undefined };
  assert.deepEqual(readDeadLetter({ properties, fields }), {
    ...unknown,
    service: "shop",
    key: "shop.queue",
    identity: "shop/oUSER1/1",
  });
});

/** What the broker dead-lettered by itself, with headers of the bridge's own. */
function brokersOwn(deaths: object[], own: object = {}): Pick<DeadLetter, "queue" | "deadAt"> {
  const properties = { headers: { ...own, "x-death": deaths } } as unknown as ConsumeMessage["properties"];
  const { queue = "", deadAt } = readDeadLetter({ properties, fields: {} as ConsumeMessage["fields"] });
  return { queue, deadAt };
}

test("without a word of ours, the queue is the one that last rejected it, not one where it waited", () => {
  const time = { "!": "timestamp", value: now / 1000 };
  const waited = { queue: "shop.retry", reason: "expired", time };
  const rejected = { queue: "shop.clicks", reason: "rejected", time };
  const none = { queue: "", deadAt: undefined };
  assert.deepEqual(brokersOwn([waited, rejected, waited]), { queue: "shop.clicks", deadAt: now });
  assert.deepEqual(brokersOwn([waited]), none);
  assert.deepEqual(brokersOwn([{ reason: "rejected" }]), none);
  assert.deepEqual(brokersOwn([rejected], { "x-wx-dead-at": 1 }), { queue: "", deadAt: 1 }, "the dispatcher's");
});

test("a replay keeps what the event came with, and nothing of its death", () => {
  const event = {
    contentType: "application/json",
    messageId: "shop/oUSER1/1",
    correlationId: "shop/oUSER1/1",
    timestamp: 1_700_000_000,
    type: "msg.text",
    appId: "wx1",
  };
  const headers = { "x-wx-contract": 1, "x-wx-service": "shop", traceparent: "00-1-2-00" };
  const death = { "x-wx-reason": "exhausted", "x-wx-error": "e", "x-wx-dead-at": 1, "x-wx-queue": "shop" };
  const properties = {
    ...event,
    replyTo: "wx.replies.1",
    headers: { ...headers, ...death, "x-wx-attempt": 8 },
  } as unknown as Parameters<typeof replayProperties>[0]["properties"];
  const { headers: { "x-wx-deadline": deadline, ...kept } = {}, ...replayed } = replayProperties({ properties });
  assert.ok(Number(deadline) <= Date.now());
  assert.deepEqual(kept, { ...headers, "x-wx-attempt": 1, "x-wx-budget": 0 });
  assert.deepEqual(replayed, { ...event, persistent: true, mandatory: true });
});

const read = (...args: string[]) => addDeadOptions(new Command()).parse(args, { from: "user" }).opts<DeadOptions>();

test("ages are read as durations; a queue of its own, for one, narrows down nothing", () => {
  const ages = read("--older-than", "30m", "--newer-than", "2d");
  assert.deepEqual([ages.olderThan, ages.newerThan], [1_800_000, 172_800_000]);
  assert.equal(isUnfiltered(read("--dead-queue", "shop.dead")), true);
  for (const filter of ["--service", "--key", "--identity"]) assert.equal(isUnfiltered(read(filter, "x")), false);
  assert.equal(isUnfiltered(ages), false);
});

test("the table has a column for each thing and lets no header command the terminal", () => {
  const other = { ...letter, service: "s", error: "\u001B[2J", deadAt: now - 25 * HOUR - 4000, attempts: 1 };
  const unknown = { ...letter, reason: "", deadAt: undefined };
  assert.deepEqual(tableOf([letter, other, unknown], now), [
    "SERVICE  KEY       REASON     ATTEMPTS  ERROR       AGE    IDENTITY",
    "shop     msg.text  exhausted  8         status 500  2h     shop/oUSER1/1",
    "s        msg.text  exhausted  1         ?[2J        1d 1h  shop/oUSER1/1",
    "shop     msg.text  -          8         status 500  -      shop/oUSER1/1",
  ]);
});

test("in a line of JSON every control character is escaped", () => {
  const line = escapeForTerminal(JSON.stringify({ service: "\u001B[2J\n", identity: "\u009B2J\u007F\u00A0好" }));
  assert.equal(line, String.raw`{"service":"\u001b[2J\n","identity":"\u009b2J\u007f${"\u00A0"}好"}`);
});

test("without RabbitMQ, with slips, or with nothing to protect from, it says so and does nothing", async (t) => {
  const service = {
    name: "shop",
    "wx-params": { token: "AAAAA", "app-id": "wx1", "app-secret": "s" },
    "listen-endpoints": { "service-path": "/wx" },
  };
  const inProcess = await writeTemporary(t, "wx-bridge.conf.json", { services: [service] });
  const nobody = await writeTemporary(t, "wx-bridge.conf.json", {
    services: [service],
    amqp: { url: "amqp://user:hidden@127.0.0.1:1" },
  });
  const cases: [file: string, args: string[], told: RegExp][] = [
    ["", ["list"], /needs RabbitMQ: set AMQP_URL, or name a config file by --config or CONF_FILE/],
    [inProcess, ["list"], /needs RabbitMQ: set AMQP_URL.*in-process bus/s],
    [nobody, ["list"], /no broker answers \(127\.0\.0\.1:1: .*ECONNREFUSED/],
    [nobody, ["drop"], /drops ALL dead letters: add --all/],
    [nobody, ["replay", "--older-than", "soon"], /write a duration such as 30m/],
    [nobody, ["list", "--key", "msg text"], /write a routing-key pattern/],
    [nobody, ["list", "--limit", "0"], /whole number above 0/],
    [nobody, ["list", "--reason", "age"], /exhausted, rejected, unhandled, poison/],
  ];
  for (const [file, args, told] of cases) {
    const { code, stderr } = await runCommand(t, ["dead", ...args], { CONF_FILE: file });
    assert.equal(code, 1, args.join(" "));
    assert.match(stderr, told);
    assert.doesNotMatch(stderr, /hidden|\n {4}at /);
  }
});

test("with the broker's URL alone, settings of other things do not matter", async (t) => {
  const env = { AMQP_URL: "amqp://127.0.0.1:1", LISTEN_PORT: "http" };
  const { code, stderr } = await runCommand(t, ["dead", "list"], env);
  assert.equal(code, 1);
  assert.match(stderr, /^no broker answers/);
  const { stderr: faults } = await runCommand(t, ["dead", "list"], { AMQP_URL: "amqp://127.0.0.1:1,localhost" });
  assert.match(faults, /^The config cannot be used \(1 fault\):\n {2}AMQP_URL\[1\]: must be a URL/);
});
