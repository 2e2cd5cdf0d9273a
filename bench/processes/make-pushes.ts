import { createCrypt, sign } from "../../test/support/wechat-crypt.ts";
import { account } from "../support/account.ts";

/** Whole HTTP requests, one behind the other in one buffer; request i reaches from `ends[i - 1]` to `ends[i]`. */
export interface Pushes {
  count: number;
  bytes: Buffer;
  ends: Float64Array;
  /** MsgId of a push: 18 digits. */
  msgIdOf(index: number): string;
  /** The user who sent it. */
  openidOf(index: number): string;
  /** The query's nonce, which a sealed answer repeats. */
  nonceOf(index: number): string;
}

/** Largest request made here, in bytes; they have about 950. */
const MAX_REQUEST = 1536;
const USERS = 10_000;

const { token, appId, id, path } = account;
const crypt = createCrypt(account);

/** `count` sealed text pushes as WeChat sends them, each with a MsgId, a seal and signatures of its own. */
export function makePushes(first: number, count: number): Pushes {
  const pushes: Pushes = {
    count,
    bytes: Buffer.allocUnsafeSlow(count * MAX_REQUEST),
    ends: new Float64Array(count),
    msgIdOf: (index) => String(first + index).padStart(18, "2"),
    openidOf: (index) => `oBench${String((first + index) % USERS).padStart(22, "0")}`,
    nonceOf: (index) => String((first + index) % 10_000_000_000),
  };
  const timestamp = String(Math.floor(Date.now() / 1000));
  for (let i = 0, end = 0; i < count; i++) {
    end += pushes.bytes.write(requestOf(pushes, i, timestamp), end, "latin1");
    pushes.ends[i] = end;
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
