import { randomInt } from "node:crypto";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { createCrypt, sign, type SealOptions } from "./wechat-crypt.ts";
import { isJson, openAnswer, peekField, wrapCompat, wrapSealed, type OpenedAnswer } from "./wechat-envelope.ts";

export { sign } from "./wechat-crypt.ts";
export { parseReply, type PassiveReply } from "./wechat-reply.ts";

/** The account that pushes: where to, and its Token, AppID and EncodingAESKey. */
export interface WechatOptions {
  url: string;
  token: string;
  appId: string;
  aesKey?: string;
}

/** What a check of the URL may vary: `query` overrides single parameters, or removes them with null. */
export interface CheckOptions {
  timestamp?: string | number;
  nonce?: string;
  query?: Readonly<Record<string, string | null>>;
  signal?: AbortSignal;
  /** The deadline of the whole exchange, in milliseconds; default 15 000, so that a test sees answers WeChat would miss. */
  timeoutMs?: number;
}

/** What a push may vary. Mode: sealed when there is an EncodingAESKey, else plain. Openid: the body's FromUserName. */
export interface PushOptions extends CheckOptions {
  mode?: "plain" | "sealed" | "compat";
  openid?: string;
  contentType?: string;
}

/** An answer as it left the other side: the raw body, and the time from the request's start to the answer's end. */
export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  ms: number;
}

/** The answer to a push, `opened` when it was sealed; `verified` tells that its msg_signature is right. */
export type PushAnswer = RawAnswer & OpenedAnswer;

/** WeChat as a sender of pushes. */
export interface Wechat {
  /** Pushes once, over a connection of its own. Rejects when there is no whole answer, or one that cannot be opened. */
  push(body: string, options?: PushOptions): Promise<PushAnswer>;
  /** The GET that WeChat sends when the URL is saved; the answer should be the echostr. */
  verifyUrl(echostr: string, options?: CheckOptions): Promise<RawAnswer>;
  sign(parts: readonly string[]): string;
  seal(text: string, options?: SealOptions): string;
  open(encrypt: string): string;
}

/** Plays WeChat's servers towards `url`, in all three modes and both formats. */
export function createWechat(options: WechatOptions): Wechat {
  const { token, appId, aesKey } = options;
  const crypt = aesKey === undefined ? undefined : createCrypt({ aesKey, appId });
  const needCrypt = () => crypt ?? raise("the account has no EncodingAESKey");

  async function push(body: string, given: PushOptions = {}): Promise<PushAnswer> {
    const mode = given.mode ?? (crypt ? "sealed" : "plain");
    const encrypt = mode === "plain" ? undefined : needCrypt().seal(body);
    const query = { ...signQuery(token, given), ...openidQuery(body, given.openid) };
    if (encrypt !== undefined) Object.assign(query, sealedQuery(token, query, encrypt));
    const sent = encrypt === undefined ? body : (mode === "compat" ? wrapCompat : wrapSealed)(body, encrypt);
    const headers = { "content-type": given.contentType ?? (isJson(body) ? "application/json" : "text/xml") };
    const answer = await exchange(urlWith(options.url, query, given.query), given, headers, sent);
    return { ...answer, ...openAnswer(answer.body, token, crypt) };
  }

  async function verifyUrl(echostr: string, given: CheckOptions = {}): Promise<RawAnswer> {
    return exchange(urlWith(options.url, { ...signQuery(token, given), echostr }, given.query), given);
  }

  return {
    push,
    verifyUrl,
    sign,
    seal: (text, s) => needCrypt().seal(text, s),
    open: (text) => needCrypt().open(text),
  };
}

function signQuery(token: string, given: CheckOptions): { signature: string; timestamp: string; nonce: string } {
  const timestamp = String(given.timestamp ?? Math.floor(Date.now() / 1000));
  const nonce = given.nonce ?? String(randomInt(100_000_000, 2_000_000_000));
  return { signature: sign([token, timestamp, nonce]), timestamp, nonce };
}

function openidQuery(body: string, given: string | undefined): { openid?: string } {
  const openid = given ?? peekField(body, "FromUserName");
  return openid === undefined ? {} : { openid };
}

function sealedQuery(
  token: string,
  { timestamp, nonce }: { timestamp: string; nonce: string },
  encrypt: string,
): object {
  return { encrypt_type: "aes", msg_signature: sign([token, timestamp, nonce, encrypt]) };
}

function urlWith(base: string, query: Record<string, string>, overrides: CheckOptions["query"] = {}): URL {
  const url = new URL(base);
  for (const [name, value] of Object.entries({ ...query, ...overrides })) {
    if (value !== null) url.searchParams.set(name, value);
  }
  return url;
}

async function exchange(url: URL, given: CheckOptions, headers?: object, body?: string): Promise<RawAnswer> {
  const deadline = AbortSignal.timeout(given.timeoutMs ?? 15_000);
  const signal = given.signal ? AbortSignal.any([deadline, given.signal]) : deadline;
  const startedAt = performance.now();
  const answer = await send(url, signal, { "user-agent": "Mozilla/4.0", accept: "*/*", ...headers }, body);
  return { ...answer, ms: performance.now() - startedAt };
}

async function send(url: URL, signal: AbortSignal, headers: object, body?: string): Promise<Omit<RawAnswer, "ms">> {
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  const method = body === undefined ? "GET" : "POST";
  const outgoing = request(url, { agent: false, method, signal, headers: { ...headers, ...length } });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve).on("error", reject);
  });
  outgoing.end(body);
  const response = await answered;
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await buffer(response));
  return { status: response.statusCode ?? 0, headers: response.headers, body: text };
}

function raise(message: string): never {
  throw new Error(message);
}
