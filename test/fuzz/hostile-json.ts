import * as fc from "fast-check";

const key = fc.constantFrom(
  "MsgType",
  "Event",
  "FromUserName",
  "CreateTime",
  "MsgId",
  "Encrypt",
  "Content",
  "InfoType",
  "type",
  "msg",
  "articles",
  "__proto__",
  "constructor",
  "toString",
  "toJSON",
  "#text",
  "",
  "\\ud800",
  "title",
  "TYPE",
  "Msg",
  "action",
);
const nested = (depth: number): string[] => [
  "[".repeat(depth) + "]".repeat(depth),
  `${'{"#text":'.repeat(depth)}1${"}".repeat(depth)}`,
  `${'[{"title":'.repeat(depth)}1${"}]".repeat(depth)}`,
];
const odd = fc.constantFrom(
  "1e400",
  "-1",
  "-0",
  "9".repeat(400),
  "3705115058471208928",
  "1.5",
  "2000000000",
  "null",
  "true",
  "[]",
  "{}",
  "[1,[2]]",
  '"text"',
  '"event"',
  '"news"',
  '"raw"',
  '"\\ud800"',
  '"\\u0000"',
  '"]]>"',
  '"\\udfff\\ud800"',
  '"success"',
  '"music"',
  ...[10, 1000, 3000, 100_000].flatMap(nested),
);

const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    odd,
    fc.json({ maxDepth: 2 }),
    fc.string().map((s) => JSON.stringify(s)),
    tie("object"),
  ),
  object: fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map(objectOf),
}));

function objectOf(members: [string, string][]): string {
  return `{${members.map(([name, text]) => `"${name}":${text}`).join(",")}}`;
}

/** An object that is nearly, or not at all, a push or a reply: members twice, deep, huge, of any type. */
export const hostileJson: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(fc.tuple(key, value), { maxLength: 6 }),
    fc.constantFrom("", "", "", "\uFEFF", " ", "x"),
    fc.constantFrom("", "", "", "x", "{}", "]", "\0"),
  )
  .map(([members, head, tail]) => `${head}${objectOf(members)}${tail}`);

const unit = fc.constantFrom("1,", "[],", "{},", '"a",', "[", '{"a":', '"a":1,', '"\\ud800",', " ", "9");

/** Up to 1 MiB of one piece over and over. */
export const hugeJson: fc.Arbitrary<string> = fc
  .tuple(
    unit,
    fc.constantFrom('{"MsgId":[', '{"Encrypt":[', "{", '{"MsgId":'),
    fc.constantFrom("1]}", '"z":1}', "", "}"),
  )
  .map(([piece, head, tail]) => head + piece.repeat(Math.floor((1024 * 1024 - 40) / piece.length)) + tail);
