import { createCrypt, sign } from "../../test/support/wechat-crypt.ts";
import { account, pathOf } from "../support/account.ts";

export interface MakeOptions {
  /** Serial number of the first one, which its MsgId holds. */
  first: number;
  count: number;
  /** How many users push in turn; default 10 000. */
  users?: number;
}

/** Whole HTTP requests that lie ready, one behind the other. */
export interface Pushes {
  count: number;
  /** MsgId of a push: 18 digits. */
  msgIdOf(index: number): string;
  /** The user who sent it. */
  openidOf(index: number): string;
  /** The query's nonce, which a sealed answer repeats. */
  nonceOf(index: number): string;
  /** The request, addressed to an account: the signatures do not cover the path. */
  requestTo(account: number, index: number): Buffer;
}

/** Largest request made here, in bytes; they have about 950. */
const MAX_REQUEST = 1536;
const USERS = 10_000;

const { token, appId, id, path } = account;
const crypt = createCrypt(account);

/** `count` sealed text pushes as WeChat sends them, each with a MsgId, a seal and signatures of its own. */
export function makePushes({ first, count, users = USERS }: MakeOptions): Pushes {
  const bytes = Buffer.allocUnsafeSlow(count * MAX_REQUEST);
  const ends = new Float64Array(count);
  const pushes: Pushes = {
    count,
    msgIdOf: (index) => String(first + index).padStart(18, "2"),
    openidOf: (index) => `oBench${String((first + index) % users).padStart(22, "0")}`,
    nonceOf: (index) => String((first + index) % 10_000_000_000),
    requestTo(account, index) {
      const start = ends[index - 1] ?? 0;
      bytes.write(pathOf(account), start + "POST ".length, "latin1");
      return bytes.subarray(start, ends[index]);
    },
  };
  const timestamp = String(Math.floor(Date.now() / 1000));
  for (let i = 0, end = 0; i < count; i++) {
    end += bytes.write(requestOf(pushes, i, timestamp), end, "latin1");
    ends[i] = end;
  }
  return pushes;
}

function requestOf(pushes: Pushes, index: number, timestamp: string): string {
  const openid = pushes.openidOf(index);
  const nonce = pushes.nonceOf(index);
  const encrypt = crypt.seal(`<xml><ToUserName><![CDATA[${id}]]></ToUserName>
<FromUserName><![CDATA[${openid}]]></FromUserName>
<CreateTime>${timestamp}</CreateTime>
<MsgType><![CDATA[text]]></MsgType>
<Content><![CDATA[请问这个商品什么时候发货? ${index}]]></Content>
<MsgId>${pushes.msgIdOf(index)}</MsgId>
</xml>`);
  const body = `<xml>
    <ToUserName><![CDATA[${id}]]></ToUserName>
    <Encrypt><![CDATA[${encrypt}]]></Encrypt>
</xml>
`;
  const query =
    `signature=${sign([token, timestamp, nonce])}&timestamp=${timestamp}&nonce=${nonce}&openid=${openid}` +
    `&encrypt_type=aes&msg_signature=${sign([token, timestamp, nonce, encrypt])}`;
  return `POST ${path}?${query} HTTP/1.1\r
User-Agent: Mozilla/4.0\r
Accept: */*\r
Host: ${appId}.example.com\r
Pragma: no-cache\r
Content-Type: text/xml\r
Content-Length: ${body.length}\r
\r
${body}`;
}
