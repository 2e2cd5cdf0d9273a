import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import { Failure } from "../failure.ts";
import { takeRandom } from "../random.ts";

const BLOCK = 32;
const RANDOM_LENGTH = 16;
const LENGTH_END = RANDOM_LENGTH + 4;

/** What a sealed text holds: its content and the AppID it was sealed for. */
export interface Opened {
  content: Buffer;
  appId: string;
}

/** Opens and seals texts with one EncodingAESKey, as WeChat's safe mode (安全模式) lays down. */
export interface Sealer {
  /** Throws `UNDECRYPTABLE` for anything that was not sealed with this key. */
  open(sealed: string): Opened;
  seal(content: string, appId: string): string;
}

/** `aesKey`: the 43 characters of EncodingAESKey; the unused bits of the last one may be anything. */
export function createSealer(aesKey: string): Sealer {
  const bytes = Buffer.from(aesKey, "base64");
  if (bytes.length !== 32) throw new Failure("CONFIG_INVALID", "an EncodingAESKey has 43 characters of base64");
  const key = createSecretKey(bytes); // made once: with plain bytes every cipher would make its own
  const iv = bytes.subarray(0, 16);

  function open(sealed: string): Opened {
    const sealedBytes = Buffer.from(sealed, "base64");
    if (sealedBytes.length < BLOCK || sealedBytes.length % 16 !== 0)
      throw undecryptable("its length is no multiple of a block");
    const decipher = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
    return split(unpad(decipher.update(sealedBytes))); // whole blocks without padding: nothing is left for final()
  }

  function seal(content: string, appId: string): string {
    const text = Buffer.from(content);
    const id = Buffer.from(appId);
    const pad = BLOCK - ((LENGTH_END + text.length + id.length) % BLOCK);
    const plain = Buffer.alloc(LENGTH_END + text.length + id.length + pad, pad);
    takeRandom(RANDOM_LENGTH).copy(plain);
    plain.writeUInt32BE(text.length, RANDOM_LENGTH);
    text.copy(plain, LENGTH_END);
    id.copy(plain, LENGTH_END + text.length);
    const cipher = createCipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
    return cipher.update(plain).toString("base64");
  }

  return { open, seal };
}

/** PKCS#7 to blocks of 32: the last byte tells how many bytes (1..32) were added. */
function unpad(padded: Buffer): Buffer {
  const pad = padded.at(-1) ?? 0;
  const end = padded.length - pad;
  if (pad < 1 || pad > BLOCK || end < LENGTH_END) throw undecryptable("its padding is wrong");
  for (let i = end; i < padded.length; i++) if (padded[i] !== pad) throw undecryptable("its padding is wrong");
  return padded.subarray(0, end);
}

/** 16 random bytes, the content's length in bytes (big-endian), the content, the AppID. */
function split(plain: Buffer): Opened {
  const end = LENGTH_END + plain.readUInt32BE(RANDOM_LENGTH);
  if (end > plain.length) throw undecryptable("its inner length is wrong");
  return { content: plain.subarray(LENGTH_END, end), appId: plain.toString("utf8", end) };
}

function undecryptable(reason: string): Failure {
  return new Failure("UNDECRYPTABLE", `the sealed text cannot be opened with this account's aes-key: ${reason}`);
}
