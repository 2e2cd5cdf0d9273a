import { createCipheriv, createDecipheriv } from "node:crypto";
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
  const iv = bytes.subarray(0, 16);
  // Made once: making a cipher costs several times what it does to a push. Every text so follows in one chain on the one
  // before, and CBC's chain touches a text's first block alone: the random one, which stays random and which nobody reads.
  const decipher = createDecipheriv("aes-256-cbc", bytes, iv).setAutoPadding(false);
  const cipher = createCipheriv("aes-256-cbc", bytes, iv).setAutoPadding(false);

  function open(sealed: string): Opened {
    const sealedBytes = Buffer.from(sealed, "base64");
    if (sealedBytes.length < BLOCK || sealedBytes.length % 16 !== 0)
      throw undecryptable("its length is no multiple of a block");
    return split(unpad(decipher.update(sealedBytes)));
  }

  function seal(content: string, appId: string): string {
    const length = Buffer.byteLength(content);
    const end = LENGTH_END + length + Buffer.byteLength(appId);
    const pad = BLOCK - (end % BLOCK);
    const plain = Buffer.allocUnsafe(end + pad);
    takeRandom(RANDOM_LENGTH).copy(plain);
    plain.writeUInt32BE(length, RANDOM_LENGTH);
    plain.write(content, LENGTH_END);
    plain.write(appId, LENGTH_END + length);
    plain.fill(pad, end);
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
