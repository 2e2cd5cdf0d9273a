import { createCrypt } from "../../test/support/wechat-crypt.ts";
import { openAnswer } from "../../test/support/wechat-envelope.ts";
import { parseReply } from "../../test/support/wechat-reply.ts";
import { account } from "../support/account.ts";
import type { Pushes } from "./make-pushes.ts";

const crypt = createCrypt(account);

/**
 * What is wrong with a sealed answer to a push: it has to open, its MsgSignature to verify, and the reply in it to be the
 * backend's for this very push, from the account to the user. undefined when all is well.
 */
export function faultOf(answer: string, pushes: Pushes, index: number): string | undefined {
  try {
    const { opened, sealed, verified } = openAnswer(answer, account.token, crypt);
    if (!sealed) return "an answer is not sealed";
    if (!verified) return "an answer's MsgSignature does not verify";
    if (!answer.includes(`[${pushes.nonceOf(index)}]`)) return "an answer has not the push's nonce";
    const reply = parseReply(opened);
    const isRight =
      reply["MsgType"] === "text" &&
      reply["ToUserName"] === pushes.openidOf(index) &&
      reply["FromUserName"] === account.id &&
      reply["Content"] === `Thank you for ${pushes.msgIdOf(index)}`;
    return isRight ? undefined : `an answer is not this push's: ${opened}`;
  } catch (error) {
    return String(error);
  }
}
