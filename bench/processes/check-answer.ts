import { createCrypt } from "../../test/support/wechat-crypt.ts";
import { openAnswer } from "../../test/support/wechat-envelope.ts";
import { parseReply } from "../../test/support/wechat-reply.ts";
import { account } from "../support/account.ts";
import type { Pushes } from "./make-pushes.ts";

/**
 * What an answer is: a passive reply `sealed` with the push's nonce, one `sealed anew` with a nonce of its own (WeChat
 * takes that, too), or the backend's own JSON.
 */
export type Expected = "sealed" | "sealed anew" | "plain";

/** The npm package `wechat` gives CreateTime in milliseconds, a slip that WeChat lets pass. */
const milliseconds = /(?<=<CreateTime>)(\d{10})\d{3}(?=<)/;

const crypt = createCrypt(account);

/**
 * What is wrong with a sealed answer to a push: it has to open, its MsgSignature to verify, and the reply in it to be the
 * backend's for this very push, from the account to the user. undefined when all is well.
 */
export function faultOf(answer: string, pushes: Pushes, index: number, expect: Expected): string | undefined {
  try {
    const { opened, sealed, verified } = openAnswer(answer, account.token, crypt);
    if (!sealed) return "an answer is not sealed";
    if (!verified) return "an answer's MsgSignature does not verify";
    if (expect === "sealed" && !answer.includes(`[${pushes.nonceOf(index)}]`))
      return "an answer has not the push's nonce";
    const reply = parseReply(expect === "sealed anew" ? opened.replace(milliseconds, "$1") : opened);
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
