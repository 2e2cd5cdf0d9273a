import type { Account } from "../shared/config/config.ts";
import { Failure } from "../shared/failure.ts";
import {
  formatOf,
  parseCompatPush,
  parseJsonObject,
  parsePush,
  withoutByteOrderMark,
  type Push,
  type PushFormat,
} from "../shared/wechat/push.ts";
import { textOf } from "../shared/wechat/push-types.ts";
import { createSealer, type Sealer } from "../shared/wechat/sealing.ts";
import { signatureMatches } from "../shared/wechat/signature.ts";
import { parseXml } from "../shared/wechat/xml.ts";

/** WeChat's query parameters; a repeated one counts by its first value. */
export type Query = Record<string, string | undefined>;

/** How an answer must be sealed so that WeChat can open it: with what the push was sealed with. */
export interface Seal {
  sealer: Sealer;
  token: string;
  appId: string;
  format: PushFormat;
  timestamp: string;
  nonce: string;
}

export interface OpenedPush {
  push: Push;
  /** undefined for a push that came in plaintext. */
  seal: Seal | undefined;
}

/** Verifies and opens what WeChat sends to one account. */
export interface PushOpener {
  /** Checks the query's signature and age, as for the echostr check. Throws the failures of the error table. */
  verify(query: Query): void;
  /** Opens a push. Throws the failures of the error table, never anything else for anything a stranger can send. */
  open(query: Query, body: Buffer): OpenedPush;
}

/** Seconds that a timestamp may be ahead of this machine's clock. */
const MAX_AHEAD = 86_400;

/** Tokens and keys in use, the current pair first; the one before stays while a rotation is under way. */
export function createPushOpener(account: Account, now: () => number = Date.now): PushOpener {
  const tokens = [account.token, account.previousToken].filter((token) => token !== undefined);
  const sealers = [account.aesKey, account.previousAesKey].filter((key) => key !== undefined).map(createSealer);

  /** Stands on queries that were verified: a push's is, before its body is read. */
  const verified = Symbol("verified");

  function verify(query: Query & { [verified]?: true }): void {
    if (query[verified]) return;
    const { signature, timestamp, nonce } = query;
    if (!signature || !timestamp || !nonce) {
      throw new Failure("ARGUMENT_MISSING", "argument expected: signature, timestamp and nonce");
    }
    checkAge(timestamp);
    if (!tokens.some((token) => signatureMatches(signature, token, timestamp, nonce))) {
      throw new Failure("SIGNATURE_MISMATCH", "invalid signature");
    }
    query[verified] = true;
  }

  /**
   * A signature covers its parts joined without a mark between them: an old nonce's last digits in front of its timestamp
   * are a far-off time that it covers as well, and that would never be too old.
   */
  function checkAge(timestamp: string): void {
    if (account.timeout <= 0) return;
    if (!/^\d{1,12}$/.test(timestamp)) throw new Failure("TIMESTAMP_INVALID", "invalid timestamp");
    const age = Math.floor(now() / 1000) - Number(timestamp);
    if (age > account.timeout) throw new Failure("SIGNATURE_EXPIRED", "signature expired");
    if (age < -MAX_AHEAD) throw new Failure("TIMESTAMP_INVALID", "invalid timestamp");
  }

  function open(query: Query, body: Buffer): OpenedPush {
    verify(query);
    const encryptType = query["encrypt_type"] ?? "";
    if (encryptType !== "aes" && encryptType !== "" && encryptType !== "raw") {
      throw new Failure("ENCRYPT_TYPE_UNSUPPORTED", "unsupported encrypt_type: WeChat uses aes or raw");
    }
    if (sealers.length === 0) return { push: openPlain(encryptType, body), seal: undefined };
    if (encryptType === "aes") return openSealed(query, body);
    if (account.allowPlaintext) return { push: parsePush(body, account.name), seal: undefined };
    throw new Failure("PLAINTEXT_REFUSED", "plaintext refused: this account has an aes-key (safe mode)");
  }

  /** In compat mode (兼容模式) a push holds its plaintext beside Encrypt; without a key that is what there is. */
  function openPlain(encryptType: string, body: Buffer): Push {
    const push = (encryptType === "aes" ? parseCompatPush : parsePush)(body, account.name);
    if (push.routingKey === "msg._" && readEncrypt(body) !== undefined) {
      throw new Failure("ENCRYPT_TYPE_UNSUPPORTED", "sealed push refused: this account has no aes-key");
    }
    return push;
  }

  function openSealed(query: Query, body: Buffer): OpenedPush {
    const { timestamp = "", nonce = "", msg_signature = "" } = query;
    const envelope = withoutByteOrderMark(body);
    const encrypt = readEncrypt(envelope);
    if (encrypt === undefined) throw new Failure("MALFORMED_PUSH", "Encrypt not found");
    const token = tokens.find((candidate) => signatureMatches(msg_signature, candidate, timestamp, nonce, encrypt));
    if (token === undefined) throw new Failure("MSG_SIGNATURE_MISMATCH", "bad msg_signature");
    const { sealer, content, appId } = unseal(encrypt);
    if (appId !== account.appId) throw new Failure("APPID_MISMATCH", "the push was sealed for another AppID");
    const seal = { sealer, token, appId, format: formatOf(envelope), timestamp, nonce };
    return { push: parsePush(content, account.name), seal };
  }

  function unseal(encrypt: string): { sealer: Sealer; content: Buffer; appId: string } {
    let failure: unknown;
    for (const sealer of sealers) {
      try {
        const { content, appId } = sealer.open(encrypt);
        return { sealer, content, appId };
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }

  return { verify, open };
}

/** The sealed text of an envelope, `<xml>…<Encrypt>…` or `{"Encrypt":…}`; undefined when it holds none. */
function readEncrypt(envelope: Buffer): string | undefined {
  const fields = formatOf(envelope) === "xml" ? parseXml(envelope) : parseJsonObject(envelope.toString("utf8"));
  const encrypt = fields["Encrypt"];
  const text = typeof encrypt === "string" || Array.isArray(encrypt) ? textOf(encrypt).trim() : "";
  return text === "" ? undefined : text;
}
