import * as fc from "fast-check";
import { hostileJson } from "./hostile-json.ts";
import { hostileXml, spoilt } from "./hostile-xml.ts";
import { mark } from "./target.ts";

const parameter = fc.constantFrom(
  "signature",
  "timestamp",
  "nonce",
  "echostr",
  "encrypt_type",
  "msg_signature",
  "openid",
);
const name = fc.oneof(
  parameter,
  fc.constantFrom("__proto__", "constructor", "a[]", "signature[0]", "", "%", "%00", "%zz"),
);
const value = fc.oneof(
  fc.constantFrom(
    "",
    mark,
    "%",
    "%zz",
    "%00",
    "%ff%fe",
    "%F0%9F",
    "aes",
    "0",
    "+",
    "&",
    "=",
    "a".repeat(9000),
    mark.repeat(2000),
  ),
  fc.webQueryParameters(),
);
/** Parameters without, with a bad or with a huge value; names twice, or that no list of names should have. */
export const query = fc
  .array(
    fc.tuple(name, value).map((pair) => pair.join("=")),
    { maxLength: 8 },
  )
  .map((pairs) => pairs.join("&"));

/** Paths that are none, that lead elsewhere, or that a router may take for a pattern. */
export const oddPath = fc.oneof(
  fc.webPath(),
  fc.constantFrom("/", "//", "/%", "/%2e%2e/plain", "/plain/../safe", "*", "/healthz", "/metrics"),
  fc.constantFrom("/*a", "/:a(", "/plain*", "*a", "/:a-:b", "/(.*", "/::", "/plain;x"),
);

/** Content-Type, framing and other headers as no honest client sends them. */
export const oddHeaders = fc.array(
  fc.oneof(
    fc.constantFrom(
      "Content-Type: ",
      "Content-Type: x/y;;=",
      "Content-Type: application/json; charset=utf-7",
      `Content-Type: ${mark}`,
    ),
    fc.constantFrom(
      "Content-Type: multipart/form-data",
      "Content-Encoding: gzip",
      "Expect: 100-continue",
      `Expect: ${mark}`,
    ),
    fc.constantFrom(
      "Upgrade: websocket",
      "Upgrade: h2c",
      "X-Forwarded-For: 1.1.1.1, ::1, x",
      "X-Forwarded-Host: \x80",
      `Cookie: ${mark}`,
    ),
    fc.constantFrom(
      "Transfer-Encoding: chunked",
      "Transfer-Encoding: gzip, chunked",
      "Transfer-Encoding : chunked",
      "Transfer-Encoding: xchunked",
    ),
    fc.constantFrom(
      "Content-Length: 0",
      "Content-Length: -1",
      "Content-Length: 5",
      "Content-Length: 5, 6",
      "Content-Length: 99999999999999999999",
    ),
    fc.constantFrom(
      "Content-Length: 0x10",
      " folded",
      "no-colon",
      ": empty",
      `A: ${"a".repeat(20_000)}`,
      "Host: y",
      "A: \0",
      "A: a\rB: b",
    ),
  ),
  { maxLength: 4 },
);
/** Bodies that lie about their chunks, or hide a second request. */
export const oddBody = fc.oneof(
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  spoilt(fc.oneof(hostileXml, hostileJson).map((text) => text.slice(0, 5000))),
  fc
    .constantFrom(
      "0\r\n\r\n",
      "5\r\nabcde\r\n0\r\n\r\n",
      "ffffffffffffffff\r\n",
      "-1\r\n",
      "5;x=y\r\nab",
      "5\r\nabcdefgh",
      "0\r\nA: b\r\n\r\n",
    )
    .map((text) => Buffer.from(text)),
  fc.constant(Buffer.from(`0\r\n\r\nGET /plain?signature=${mark} HTTP/1.1\r\nHost: x\r\n\r\n`)),
);
