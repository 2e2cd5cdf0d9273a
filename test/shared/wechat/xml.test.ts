import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXml } from "../../../shared/wechat/xml.ts";

/** What an element `a` holds after reading. */
const read = (inner: string): unknown => parseXml(`<xml><a>${inner}</a></xml>`)["a"];

const texts: [name: string, inner: string, text: unknown][] = [
  ["plain", "x", "x"],
  ["nothing", "", ""],
  ["blanks", " \t\n ", " \t\n "],
  ["blanks round text", " x \n", " x \n"],
  ["ends of lines, which XML has one of", "1\r\n2\r3", "1\n2\n3"],
  ["]]> outside CDATA", "1]]>2", "1]]>2"],
  ["CDATA", "<![CDATA[ <b>&amp;</b> ]]>", " <b>&amp;</b> "],
  ["empty CDATA", "<![CDATA[]]>", ""],
  ["CDATA sections joined", "<![CDATA[a]]]]><![CDATA[>b]]>", "a]]>b"],
  ["CDATA beside text", "1 <![CDATA[2]]> 3", "1 2 3"],
  ["the five entities", "&lt;&gt;&amp;&quot;&apos;", `<>&"'`],
  ["decoded once", "&amp;lt; &amp;#65;", "&lt; &#65;"],
  ["decimal references", "&#65;&#20320;&#128512;&#9;", "A你😀\t"],
  ["hexadecimal references", "&#x41;&#x4F60;&#x1f600;", "A你😀"],
  ["references to no character", "&#0;&#xD800;&#x110000;&#9999999;", "&#0;&#xD800;&#x110000;&#9999999;"],
  ["an entity nobody declared", "&nbsp;&foo;", "&nbsp;&foo;"],
  ["numbers", "0012", "0012"],
  ["an exponent", "1e5", "1e5"],
  ["more digits than 2^53", "3705115058471208928", "3705115058471208928"],
  ["words of JSON", "true", "true"],
  ["a comment between", "a<!-- b -->c", "ac"],
  ["a DOCTYPE in CDATA", "<![CDATA[<!DOCTYPE xml>]]>", "<!DOCTYPE xml>"],
  [
    "a DOCTYPE in a later CDATA",
    "<![CDATA[1]]>2<![CDATA[<!DOCTYPE xml [<!ENTITY a 'b'>]>]]>",
    "12<!DOCTYPE xml [<!ENTITY a 'b'>]>",
  ],
  ["a DOCTYPE in a comment", "a<!-- <!DOCTYPE xml> -->", "a"],
  ["children", "<b>1</b><c>2</c>", { b: "1", c: "2" }],
  ["children with blanks between", "\n  <b>1</b>\n", { b: "1" }],
  ["mixed text", "x<b>1</b>y", { b: "1", "#text": "xy" }],
  ["an element twice", "<b>1</b><b>2</b>", { b: ["1", "2"] }],
  ["an element three times, apart", "<b>1</b><c/><b>2</b><b><d>3</d></b>", { b: ["1", "2", { d: "3" }], c: "" }],
  ["one item", "<item>1</item>", { item: ["1"] }],
  ["List once, outside SubscribeMsg…Event", "<List>1</List>", { List: "1" }],
  [
    "List once, inside",
    "<SubscribeMsgSentEvent><List>1</List></SubscribeMsgSentEvent>",
    { SubscribeMsgSentEvent: { List: ["1"] } },
  ],
  ["attributes are left out", `<b c="1">2</b>`, { b: "2" }],
  ["an empty element", "<b/>", { b: "" }],
  ["names of Object's own", "<toString>1</toString><valueOf>2</valueOf>", { toString: "1", valueOf: "2" }],
  [
    "hasOwnProperty, twice",
    "<hasOwnProperty>1</hasOwnProperty><hasOwnProperty>2</hasOwnProperty>",
    { hasOwnProperty: ["1", "2"] },
  ],
];
for (const [name, inner, expected] of texts) {
  test(`XML: ${name}`, () => assert.deepEqual(read(inner), expected));
}

const documents: [name: string, xml: string][] = [
  ["a declaration", `<?xml version="1.0" encoding="UTF-8"?>\n<xml><a>1</a></xml>`],
  ["blanks round it", `\n  <xml><a>1</a></xml>\n\n`],
  ["comments round it", `<!-- <xml> --><xml><a>1</a></xml><!-- -->`],
  ["attributes of the root", `<xml a="2"><a>1</a></xml>`],
];
for (const [name, xml] of documents) {
  test(`a document with ${name}`, () => assert.deepEqual(parseXml(xml), { a: "1" }));
}

test("a root without elements holds none", () => {
  for (const xml of ["<xml/>", "<xml></xml>", "<xml>text</xml>"]) assert.deepEqual(parseXml(xml), {});
});

const message = {
  doctype: "a DOCTYPE is not accepted",
  root: "the body has no <xml> root element",
  form: "the body is not well-formed XML",
  depth: "the body is nested deeper than 64 elements",
} as const;

const billion = `<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><xml><c>&b;</c></xml>`;
const refused: [name: string, xml: string, message: string][] = [
  ["DOCTYPE", "<!DOCTYPE xml><xml><a>1</a></xml>", message.doctype],
  ["DOCTYPE with entities", billion, message.doctype],
  [
    "DOCTYPE with a file",
    `<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><a>&a;</a></xml>`,
    message.doctype,
  ],
  ["DOCTYPE inside the root", "<xml><!DOCTYPE xml><a>1</a></xml>", message.doctype],
  ["DOCTYPE after a CDATA that names it", "<xml><a><![CDATA[<!DOCTYPE]]></a></xml><!DOCTYPE xml>", message.doctype],
  [
    "DOCTYPE between comments that look like CDATA",
    `<!-- <![CDATA[ -->${billion.replace("<xml>", "<!-- ]]> --><xml>")}`,
    message.doctype,
  ],
  [
    "DOCTYPE between instructions that look like CDATA",
    "<?x <![CDATA[ ?><!DOCTYPE xml><?x ]]> ?><xml/>",
    message.doctype,
  ],
  ["another root", "<foo><a>1</a></foo>", message.root],
  ["a root in capitals", "<XML><a>1</a></XML>", message.root],
  ["an end that does not match", "<xml><a>1</b></xml>", message.form],
  ["no end", "<xml><a>1</a>", message.form],
  ["junk behind", "<xml><a>1</a></xml>junk", message.form],
  ["a stray &lt;", "<xml><a>1 < 2</a></xml>", message.form],
  ["CDATA without an end", "<xml><a><![CDATA[1</a></xml>", message.form],
  ["__proto__", "<xml><__proto__><MsgType>text</MsgType></__proto__></xml>", message.form],
  ["constructor", "<xml><a><constructor>1</constructor></a></xml>", message.form],
  ["prototype", "<xml><prototype/></xml>", message.form],
  ["more than 64 levels", `<xml>${"<a>".repeat(65)}${"</a>".repeat(65)}</xml>`, message.depth],
];
for (const [name, xml, words] of refused) {
  test(`XML refused: ${name}`, () => {
    assert.throws(() => parseXml(xml), { name: "Failure", code: "MALFORMED_PUSH", status: 400, message: words });
  });
}

test("64 levels are read", () => {
  let value: unknown = parseXml(`<xml>${"<a>".repeat(64)}x${"</a>".repeat(64)}</xml>`);
  for (let level = 0; level < 64; level++) value = (value as { a: unknown }).a;
  assert.equal(value, "x");
});

const MIB = 1024 * 1024;
const fill = (part: string) => part.repeat(Math.floor(MIB / part.length));

/** Milliseconds of this process's own: what others have of the CPU meanwhile does not count. */
function busyFor(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const hostile: [name: string, xml: string][] = [
  ["10 000 levels", `<xml>${"<a>".repeat(10_000)}${"</a>".repeat(10_000)}</xml>`],
  ["a whole MiB of levels", `<xml>${fill("<a>")}`],
  ["CDATA opened over and over, and a DOCTYPE", `<xml><!-- -->${fill("<![CDATA[")}<!DOCTYPE xml>`],
  ["CDATA opened over and over", `<xml>${fill("<![CDATA[")}`],
  ["comments opened over and over, and a DOCTYPE", `<xml>${fill("<!--")}<!DOCTYPE xml>`],
  ["instructions opened over and over", `<xml>${fill("<? ")}`],
  ["a MiB of <", `<xml>${fill("<")}`],
  ["a MiB of blanks in a tag", `<xml><a${fill(" ")}`],
  ["attributes without an end", `<xml ${fill("a='")}`],
];
for (const [name, xml] of hostile) {
  test(`hostile XML fails fast: ${name}`, () => {
    assert.ok(busyFor(() => assert.throws(() => parseXml(xml), { code: "MALFORMED_PUSH" })) < 5000);
  });
}

for (const part of ["&amp;", "<![CDATA[x]]>", "<b/>"]) {
  test(`a MiB of ${part} is read fast`, () => {
    assert.ok(busyFor(() => assert.notEqual(read(fill(part)), undefined)) < 5000);
  });
}

test("no element reaches Object.prototype", () => {
  const element = parseXml("<xml><a><toString>1</toString><b/></a></xml>")["a"];
  assert.equal(Object.getPrototypeOf(element), Object.prototype);
  assert.equal(Object.hasOwn(Object.prototype, "b"), false);
});
