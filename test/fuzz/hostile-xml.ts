import * as fc from "fast-check";

const name = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom("xml", "MsgType", "Event", "Content", "FromUserName", "CreateTime", "MsgId"),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom("List", "item", "SubscribeMsgPopupEvent", "PicList", "SendPicsInfo", "Count"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("CopyrightCheckResult", "ResultList", "Encrypt", "ScanCodeInfo", "InfoType"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("__proto__", "constructor", "toString", "toJSON", "hasOwnProperty", "#text"),
  },
  { weight: 1, arbitrary: fc.constantFrom("x:y", "a.b", "-bad", "é", "", "1", "a b", "!a", "?a", "/") },
);

const oddText = fc.constantFrom(
  "]]>",
  "&",
  "<",
  ">",
  "&lt;",
  "&#0;",
  "&#xD800;",
  "&#1114112;",
  "&bomb;",
  "&amp;lt;",
  "\0",
  "\uFEFF",
  "\r\n",
  "\uFFFF",
  "2000000000",
  "-1",
  "1e400",
  "9".repeat(400),
  "text",
  "event",
  "MASSSENDJOBFINISH",
  "pic_weixin",
  " \n",
  "<![CDATA[",
  "<![CDATA[x]]>",
  "<![CDATA[]]]]><![CDATA[>]]>",
  "<!--x-->",
  "<!---->",
  "<!-- -- -->",
  "<?a b?>",
  "<?",
  "<!DOCTYPE xml>",
  "<!doctype xml>",
  "<!ENTITY a 'b'>",
  "<![CDATA[<!DOCTYPE x>]]>",
  "<!--<!DOCTYPE x>-->",
  "<!",
  "</xml>",
);
const text = fc.oneof(oddText, fc.string({ unit: "binary", maxLength: 8 }), fc.string({ maxLength: 8 }));
const attributes = fc.constantFrom(
  "",
  "",
  "",
  "",
  " a='1'",
  " a",
  ' a="<"',
  " xmlns='x'",
  " a='1' a='2'",
  " __proto__='1'",
  " ",
);

const { element } = fc.letrec<{ node: string; element: string }>((tie) => ({
  node: fc.oneof({ depthSize: "small", withCrossShrink: true }, text, tie("element")),
  element: fc
    .tuple(
      name,
      attributes,
      fc.array(tie("node"), { maxLength: 4 }),
      fc.constantFrom("close", "close", "close", "open", "/"),
    )
    .map(([tag, given, nodes, end]) =>
      end === "/" ? `<${tag}${given}/>` : `<${tag}${given}>${nodes.join("")}${end === "close" ? `</${tag}>` : ""}`,
    ),
}));

const bomb = `<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>`;
const before = fc.constantFrom("", "", "", "", "\uFEFF", " ", '<?xml version="1.0"?>', bomb, "x", "<!--a-->", "\0");

/** A document that is nearly, or not at all, a push. */
export const hostileXml: fc.Arbitrary<string> = fc
  .tuple(
    before,
    fc.array(fc.oneof(element, text), { maxLength: 6 }),
    fc.constantFrom("", "", "", "\n", "<x/>", "x", "\0"),
  )
  .map(([head, nodes, tail]) => `${head}<xml>${nodes.join("")}</xml>${tail}`);

const unit = fc.constantFrom(
  "<a>",
  "</a>",
  "<a/>",
  "<a></a>",
  "<List/>",
  "<item/>",
  "<",
  "&",
  "&lt;",
  "&#x41;",
  "<!",
  "<!--",
  "<!---->",
  "<?",
  "<?a?>",
  "<![CDATA[",
  "<![CDATA[]]>",
  "]]>",
  " ",
  "a",
  "a='1' ",
  "<a a='1'/>",
  "\r",
  "\0",
  "<a>1</a>\n",
  "中",
);

/** Up to 1 MiB of one or two pieces over and over, inside an element whose name may be as long: what costs squares shows. */
export const hugeXml: fc.Arbitrary<string> = fc
  .tuple(unit, unit, fc.constantFrom(1, 1, 1000, 200_000), fc.boolean())
  .map(([one, other, length, closed]) => {
    const piece = one === other ? one : one + other;
    const parent = "SubscribeMsg".padEnd(length, "x");
    const room = 1024 * 1024 - 2 * length - 20;
    return `<xml><${parent}>${piece.repeat(Math.floor(room / Buffer.byteLength(piece)))}${closed ? `</${parent}></xml>` : ""}`;
  });

/** The bytes of a text, some of them flipped, cut off or no UTF-8 at all. */
export function spoilt(texts: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  const faults = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 });
  return fc.tuple(texts, faults, fc.option(fc.nat(), { freq: 6 })).map(([whole, flips, cut]) => {
    const bytes = Buffer.from(whole);
    if (bytes.length > 0) for (const [at, byte] of flips) bytes[at % bytes.length] = byte;
    return cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
  });
}
