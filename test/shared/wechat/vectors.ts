import { readFileSync } from "node:fs";

interface Vectors {
  signatures: { case: string; token: string; timestamp: string; nonce: string; signature: string }[];
  sealed: SealedVector[];
}

/** A text that WeChat's documents publish sealed; `plain` where they publish what it holds, too. */
export interface SealedVector {
  case: string;
  encodingAESKey: string;
  appId: string;
  encrypt: string;
  plain?: string;
  token?: string;
  timestamp?: string;
  nonce?: string;
  msg_signature?: string;
}

/** WeChat's own published examples. */
export const vectors = JSON.parse(
  readFileSync(new URL("../../fixtures/wechat-vectors.json", import.meta.url), "utf8"),
) as Vectors;
