import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { codeOf } from "../shared/code-of.ts";
import { isFailure } from "../shared/failure.ts";
import { fail } from "./fail.ts";
import { createPlayer, PATIENCE, type PlayedAnswer } from "./play-wechat.ts";

interface PushOptions {
  url: string;
  token: string;
  aesKey?: string;
  appId?: string;
  openid: string;
  account: string;
  text?: string;
  event?: string;
  eventKey?: string;
  file?: string;
}

/** WeChat hangs up after this many ms. */
const WECHAT_LIMIT = 5000;

/** `push`: plays WeChat against a running bridge and shows what a user would get. */
export function addPushCommand(program: Command): void {
  program
    .command("push")
    .description("plays WeChat: signs, seals and posts a push, and prints the opened reply and its time")
    .requiredOption("--url <url>", "the service path, such as http://127.0.0.1:7080/wx")
    .requiredOption("--token <token>", "the account's Token")
    .option("--aes-key <key>", "the account's EncodingAESKey; without it the push goes in plaintext")
    .option("--app-id <id>", "the account's AppID, needed with --aes-key")
    .option("--openid <openid>", "the user (FromUserName)", "oUser000000000000000000000001")
    .option("--account <id>", "the account (ToUserName)", "gh_000000000001")
    .option("--text <text>", "sends a text message")
    .option("--event <name>", "sends an event, such as subscribe or CLICK")
    .option("--event-key <key>", "the event's EventKey", "")
    .option("--file <path>", "sends any XML or JSON push from a file")
    .action(push);
}

async function push(options: PushOptions): Promise<void> {
  if (options.aesKey !== undefined && !/^[A-Za-z0-9+/]{43}$/.test(options.aesKey)) {
    fail("--aes-key: an EncodingAESKey has 43 characters A-Z a-z 0-9 + /");
  }
  if (options.aesKey !== undefined && !options.appId) fail("--app-id is needed with --aes-key");
  if (!/^https?:$/.test(URL.parse(options.url)?.protocol ?? ""))
    fail("--url: write a whole URL such as http://127.0.0.1:7080/wx");
  const body = await bodyOf(options);
  const player = createPlayer(options);
  const answer = await player.push(body, options.openid).catch((error: Error) => fail(whyNothing(error, options.url)));
  report(answer);
}

/** Failures are about an answer that came. */
function whyNothing(error: Error, url: string): string {
  if (isFailure(error)) return `the answer of ${url} cannot be opened: ${error.message}`;
  const reason = error.name === "TimeoutError" ? `${PATIENCE} ms are over` : codeOf(error, error.message);
  return `no answer from ${url}: ${reason}. Is the bridge running there?`;
}

async function bodyOf({ text, event, eventKey = "", file, openid, account }: PushOptions): Promise<string> {
  if ([text, event, file].filter((given) => given !== undefined).length !== 1) {
    fail("give exactly one of --text, --event and --file");
  }
  if (file !== undefined) {
    return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) =>
      fail(`--file: ${file} cannot be read (${error.code})`),
    );
  }
  const head = `<ToUserName>${cdata(account)}</ToUserName>
<FromUserName>${cdata(openid)}</FromUserName>
<CreateTime>${Math.floor(Date.now() / 1000)}</CreateTime>`;
  if (text !== undefined) {
    return `<xml>${head}
<MsgType>${cdata("text")}</MsgType>
<Content>${cdata(text)}</Content>
<MsgId>${Date.now()}${String(process.hrtime.bigint() % 1_000_000n).padStart(6, "0")}</MsgId>
</xml>`;
  }
  return `<xml>${head}
<MsgType>${cdata("event")}</MsgType>
<Event>${cdata(event ?? "")}</Event>
<EventKey>${cdata(eventKey)}</EventKey>
</xml>`;
}

function report({ status, opened, wasSealed, ms }: PlayedAnswer): void {
  console.log(opened === "" ? "(empty answer)" : opened.trimEnd());
  console.log();
  if (status !== 200) fail(`refused with status ${status} after ${ms} ms`);
  const form = opened === "success" ? "no reply to the user" : wasSealed ? "sealed, signature verified" : "plaintext";
  if (ms > WECHAT_LIMIT) fail(`${form}; ${ms} ms: TOO LATE, WeChat hangs up after ${WECHAT_LIMIT} ms`);
  console.log(`${form}; ${ms} ms: in time (WeChat waits ${WECHAT_LIMIT} ms)`);
}

function cdata(text: string): string {
  return `<![CDATA[${text.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
}
