import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createBackend } from "../support/backend-server.ts";
import { runCommand, startCommand, writeTemporary } from "./run-command.ts";

/** `npm start` without a config, and the command it tells, split at blanks: `npm run push -- --url …`. */
const demo = startCommand({ after: (close) => after(close) }, ["start"], {
  LISTEN_PORT: "0",
  INTERNAL_LISTEN_PORT: "0",
});
const [, told = ""] = await demo.said(/^ {2}npm run push -- (.* --text hello)$/m);
const command = told.split(" ");
/** The account's part of it: everything but `--text hello`. */
const account = command.slice(0, -2);
const option = (name: string) => account[account.indexOf(name) + 1] ?? "";
const without = (name: string) => account.filter((_, i) => account[i] !== name && account[i - 1] !== name);

test("the command that the demo tells works, and shows the opened reply", async (t) => {
  const { code, stdout, stderr } = await runCommand(t, ["push", ...command]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /<MsgType><!\[CDATA\[text\]\]><\/MsgType>\n<Content><!\[CDATA\[hello\]\]><\/Content>/);
  assert.match(stdout, /\nsealed, signature verified; \d+ ms: in time \(WeChat waits 5000 ms\)\n$/);
});

const given: [name: string, args: string[], shown: RegExp][] = [
  ["text with markup", ["--text", "a]]>b & <c>"], /<Content><!\[CDATA\[a\]\]\]\]><!\[CDATA\[>b & <c>\]\]><\/Content>/],
  ["an event", ["--event", "subscribe"], /<Content><!\[CDATA\[welcome\]\]><\/Content>/],
  ["an event with a key", ["--event", "CLICK", "--event-key", "K1"], /event key K1 clicked/],
  ["an event nobody answers", ["--event", "unsubscribe"], /^success\n\nno reply to the user; \d+ ms: in time/],
  [
    "a user and an account",
    ["--text", "x", "--openid", "oME", "--account", "gh_me"],
    /<ToUserName><!\[CDATA\[oME\]\]>.*\n<FromUserName><!\[CDATA\[gh_me\]\]>/,
  ],
];
for (const [name, args, shown] of given) {
  test(`push: ${name}`, async (t) => {
    const { code, stdout } = await runCommand(t, ["push", ...account, ...args]);
    assert.equal(code, 0);
    assert.match(stdout, shown);
  });
}

test("push: a file, XML or JSON", async (t) => {
  const fields = { ToUserName: "gh_1", FromUserName: "o1", MsgType: "text", Content: "from a file", MsgId: 1 };
  const json = await writeTemporary(t, "push.json", fields);
  const xml = await writeTemporary(
    t,
    "push.xml",
    "<xml><MsgType>text</MsgType><MsgId>2</MsgId><Content>from a file</Content></xml>",
  );
  assert.match(
    (await runCommand(t, ["push", ...account, "--file", json])).stdout,
    /^\{.*"Content":"from a file"\}\n\nsealed/,
  );
  assert.match((await runCommand(t, ["push", ...account, "--file", xml])).stdout, /<!\[CDATA\[from a file\]\]>/);
});

const url = option("--url");
const text = ["--text", "hi"];
const wrong: [name: string, args: string[], stderr: RegExp][] = [
  ["another token", [...without("--token"), "--token", "other", ...text], /^refused with status 400 after \d+ ms\n$/],
  ["another key", [...without("--aes-key"), "--aes-key", "A".repeat(43), ...text], /^refused with status 400/],
  ["another AppID", [...without("--app-id"), "--app-id", "wxOTHER", ...text], /^refused with status 403/],
  ["no key", [...without("--aes-key"), ...text], /^refused with status 403/],
  [
    "a key that is none",
    [...without("--aes-key"), "--aes-key", "short", ...text],
    /^--aes-key: an EncodingAESKey has 43 characters/,
  ],
  ["a key without AppID", [...without("--app-id"), ...text], /^--app-id is needed with --aes-key\n$/],
  ["nothing to send", account, /^give exactly one of --text, --event and --file\n$/],
  [
    "two things to send",
    [...account, ...text, "--event", "CLICK"],
    /^give exactly one of --text, --event and --file\n$/,
  ],
  [
    "a file that is not there",
    [...account, "--file", "/nonexistent"],
    /^--file: \/nonexistent cannot be read \(ENOENT\)\n$/,
  ],
  ["no URL", [...without("--url"), "--url", "localhost", ...text], /^--url: write a whole URL/],
  ["a URL of another kind", [...without("--url"), "--url", "ftp://127.0.0.1/wx", ...text], /^--url: write a whole URL/],
  ["another path", [...without("--url"), "--url", `${url}x`, ...text], /^refused with status 404/],
  [
    "nobody there",
    [...without("--url"), "--url", "http://127.0.0.1:1/wx", ...text],
    /^no answer from http:\/\/127\.0\.0\.1:1\/wx: ECONNREFUSED\. Is the bridge running there\?\n$/,
  ],
];
for (const [name, args, stderr] of wrong) {
  test(`push refused: ${name}`, async (t) => {
    const result = await runCommand(t, ["push", ...args]);
    assert.equal(result.code, 1);
    assert.match(result.stderr, stderr);
  });
}

test("push: an answer that is not sealed for us is not taken for one", async (t) => {
  const impostor = await createBackend(t, {
    body: "<xml><Encrypt><![CDATA[AAAA]]></Encrypt><MsgSignature><![CDATA[0]]></MsgSignature></xml>",
  });
  const result = await runCommand(t, ["push", ...without("--url"), "--url", impostor.url, ...text]);
  assert.equal(result.code, 1);
  const words = "cannot be opened: its MsgSignature does not verify";
  assert.equal(result.stderr, `the answer of ${impostor.url} ${words}\n`);
});

test("push: what is sent is what WeChat sends, sealed in the push's own format or in plaintext", async (t) => {
  const backend = await createBackend(t, { body: "" });
  const to = (args: string[]) => [
    ...args.filter((_, i) => args[i] !== "--url" && args[i - 1] !== "--url"),
    "--url",
    backend.url,
  ];
  const json = await writeTemporary(t, "push.json", { MsgType: "text" });
  const sealed = await runCommand(t, ["push", ...to(account), "--openid", "oME", "--file", json]);
  assert.match(sealed.stdout, /^\(empty answer\)\n\nplaintext; \d+ ms: in time/);
  const plain = await runCommand(t, ["push", ...to(without("--aes-key")), "--file", json]);
  assert.equal(plain.code, 0);
  const [first, second] = await backend.next(2);
  assert.deepEqual(Object.keys(first?.json as object), ["Encrypt"]);
  const { openid, encrypt_type, msg_signature = "" } = first?.query ?? {};
  assert.deepEqual([openid, encrypt_type, msg_signature.length], ["oME", "aes", 40]);
  assert.deepEqual(second?.json, { MsgType: "text" });
  assert.deepEqual(Object.keys(second?.query ?? {}), ["signature", "timestamp", "nonce", "openid"]);
});

test("the demo logs neither its token nor its key", () => {
  const log = demo.output.split("\n").filter((line) => line.startsWith("{"));
  assert.ok(log.length > 0);
  for (const line of log) {
    for (const secret of [option("--token"), option("--aes-key")]) assert.ok(!line.includes(secret), line);
  }
});
