import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Parser } from "@asyncapi/parser";
import { createAsyncapi } from "../../../shared/contract/asyncapi.ts";
import { documents } from "../../../shared/contract/documents.ts";
import { header } from "../../../shared/headers.ts";
import { kinds } from "../../../shared/wechat/kinds/kinds.ts";

const read = (name: string) => readFile(new URL(`../../../docs/${name}`, import.meta.url), "utf8");

for (const [name, create] of Object.entries(documents)) {
  test(`docs/${name} is what the code makes`, async () => {
    assert.ok((await read(name)) === create(), "run `npm run docs` and commit what it writes");
  });
}

/** What the document says that is no fault: 3.0 is the version we mean. */
const expected = new Set(["asyncapi-latest-version"]);

test("the AMQP contract is AsyncAPI 3.0", async () => {
  const { document, diagnostics } = await new Parser().parse(await read("asyncapi.json"));
  assert.deepEqual(
    diagnostics.filter(({ code }) => !expected.has(String(code))),
    [],
  );
  assert.equal(document?.version(), "3.0.0");
  const messages = document.channels().get("events")?.messages().all();
  assert.deepEqual(new Set(messages?.map((message) => message.name())), new Set([...Object.keys(kinds), "other"]));
  assert.ok(document.operations().get("publishEvents")?.reply()?.channel()?.id() === "replies");
});

test("the AMQP contract names every header, and nothing outside the prefix", () => {
  const text = JSON.stringify(createAsyncapi("bridge-2"));
  for (const name of Object.values(header)) assert.ok(text.includes(`"${name}":{`), name);
  assert.doesNotMatch(text, /"wx\./);
  assert.match(text, /"bridge-2\.events"/);
});
