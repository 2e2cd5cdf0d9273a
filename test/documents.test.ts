import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = dirname(import.meta.dirname);
const ignored = new Set(["node_modules", "dist"]);
const documents = globSync("**/*.md", { cwd: root, exclude: (name) => ignored.has(name) });
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

test("there are documents", () => assert.ok(documents.includes("README.md") && documents.length > 8));

for (const document of documents) {
  const text = readFileSync(join(root, document), "utf8");

  test(`${document}: every link inside the project leads somewhere`, () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    const broken = links.filter((link) => !/^[a-z]+:/.test(link) && !isThere(document, link));
    assert.deepEqual(broken, []);
  });

  test(`${document}: every npm script it names is there`, () => {
    const named = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script = ""]) => script);
    assert.deepEqual(
      named.filter((script) => !(script in scripts)),
      [],
    );
  });
}

function isThere(from: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const file = path === "" ? join(root, from) : join(root, dirname(from), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(readFileSync(file, "utf8")).has(decodeURIComponent(anchor));
}

/** What GitHub makes of a document's headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\p{Pc}\- ]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function withoutCode(text: string): string {
  return text.replaceAll(/^ *```[^]*?^ *```$/gm, "");
}

test("compose gives gateway and dispatcher longer to end than the 10 s that they take", () => {
  const compose = readFileSync(join(root, "docker-compose.yml"), "utf8");
  const block = (start: string): string => new RegExp(`^${start}\\n(?: .*\\n|\\n)*`, "m").exec(compose)?.[0] ?? "";
  assert.match(block("x-service: &service"), /^ {2}stop_grace_period: 15s$/m);
  assert.match(block("x-bridge: &bridge"), /^ {2}<<: \*service$/m);
  for (const role of ["gateway", "dispatcher"])
    assert.match(compose, new RegExp(`^  ${role}:\\n    <<: \\*bridge$`, "m"));
});
