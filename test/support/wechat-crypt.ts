import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

const blockSize = 32;
const headSize = 20;

/** What a test may fix when it seals: the 16 leading characters, and the number of padding bytes (default: PKCS#7 to 32). */
export interface SealOptions {
  random?: string;
  pad?: number;
}

/** Seals and opens text as WXBizMsgCrypt does: AES-256-CBC, IV from the key, PKCS#7 to 32, the AppID at the end. */
export interface WechatCrypt {
  seal(text: string, options?: SealOptions): string;
  /** Throws when the text is not base64, the padding is not 1 to 32 equal bytes, the length lies or the AppID differs. */
  open(encrypt: string): string;
}

/** WeChat's signature: lower-case hex SHA-1 of the parts sorted and joined. */
export function sign(parts: readonly string[]): string {
  return createHash("sha1")
    .update([...parts].sort().join(""))
    .digest("hex");
}

/** Throws unless the EncodingAESKey is 43 base64 characters; the last one may carry bits that do not count. */
export function createCrypt(options: { aesKey: string; appId: string }): WechatCrypt {
  if (!/^[A-Za-z0-9+/]{43}$/.test(options.aesKey)) throw new Error("EncodingAESKey is not 43 base64 characters");
  const key = Buffer.from(`${options.aesKey}=`, "base64");
  return {
    seal: (text, sealing) => encryptBytes(key, pack(text, options.appId, sealing)),
    open: (encrypt) => unpack(decryptBytes(key, encrypt), options.appId),
  };
}

function pack(text: string, appId: string, { random = randomText(), pad }: SealOptions = {}): Buffer {
  if (Buffer.byteLength(random) !== 16) throw new Error("random must be 16 bytes");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  const bytes = Buffer.concat([Buffer.from(random), length, Buffer.from(text), Buffer.from(appId)]);
  const count = pad ?? blockSize - (bytes.length % blockSize);
  return Buffer.concat([bytes, Buffer.alloc(count, count)]);
}

function unpack(bytes: Buffer, appId: string): string {
  const content = removePadding(bytes);
  if (content.length < headSize) throw new Error("sealed text is too short");
  const end = headSize + content.readUInt32BE(16);
  if (end > content.length) throw new Error("sealed text is shorter than the length it states");
  const id = decodeUtf8(content.subarray(end));
  if (id !== appId) throw new Error(`sealed for another AppID: ${JSON.stringify(id)}`);
  return decodeUtf8(content.subarray(headSize, end));
}

function removePadding(bytes: Buffer): Buffer {
  const count = bytes.at(-1) ?? 0;
  const padding = bytes.subarray(bytes.length - count);
  const sound = count >= 1 && count <= blockSize && padding.length === count && padding.every((byte) => byte === count);
  if (!sound || bytes.length % blockSize !== 0) throw new Error("padding is not PKCS#7 to 32");
  return bytes.subarray(0, bytes.length - count);
}

function encryptBytes(key: Buffer, bytes: Buffer): string {
  const cipher = createCipheriv("aes-256-cbc", key, key.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(bytes), cipher.final()]).toString("base64");
}

function decryptBytes(key: Buffer, encrypt: string): Buffer {
  const bytes = Buffer.from(encrypt, "base64");
  if (bytes.toString("base64") !== encrypt) throw new Error("Encrypt is not base64");
  const decipher = createDecipheriv("aes-256-cbc", key, key.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([decipher.update(bytes), decipher.final()]);
}

function randomText(): string {
  return randomBytes(8).toString("hex");
}

function decodeUtf8(bytes: Buffer): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
