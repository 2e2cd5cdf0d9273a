import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Closing } from "./support/loopback-server.ts";
import { createReaper } from "./support/reaper.ts";

const root = new URL("..", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, root), "utf8");
const readmes = { "README.md": read("README.md"), "README.zh-CN.md": read("README.zh-CN.md") };

test("both READMEs show the same commands, configs and programs", () => {
  const [english, chinese] = Object.values(readmes).map(codeBlocks);
  assert.ok(english && english.filter((block) => block.startsWith("```sh\n")).length > 5);
  assert.deepEqual(chinese, english);
});

for (const [name, text] of Object.entries(readmes)) {
  test(`${name}: how to start and how to test stand on the first screen`, () => {
    const screen = text.split("\n").slice(0, 40).join("\n");
    assert.match(screen, /^npm ci && npm start$/m);
    assert.match(screen, /^npm ci && npm test$/m);
  });
}

test("the demo runs as the README says: what it prints, pasted into a shell, shows the opened reply", async (t) => {
  const demo = startInShell(t, "npm start", { LISTEN_PORT: "0", INTERNAL_LISTEN_PORT: "0" });
  const [, command = ""] = await demo.said(/^ {2}(npm run push -- .*)$/m);
  const push = startInShell(t, command);
  assert.equal(await push.ended, 0, push.output);
  assert.match(push.output, /^<Content><!\[CDATA\[hello\]\]><\/Content>$/m);
  assert.match(push.output, /^sealed, signature verified; \d+ ms: in time \(WeChat waits 5000 ms\)$/m);
});

test("the demo's and the push's output in the README is theirs", () => {
  for (const text of Object.values(readmes)) {
    assert.match(
      text,
      /^A demo account waits at http:\/\/127\.0\.0\.1:7080\/wx and echoes what it is sent\. Try it from/m,
    );
    assert.match(text, /^ {2}npm run push -- --url http:\/\/127\.0\.0\.1:7080\/wx --token … --aes-key … --app-id /m);
    assert.match(text, /^sealed, signature verified; \d+ ms: in time \(WeChat waits 5000 ms\)$/m);
  }
});

/** Code that is the same in every language; `text` blocks describe. */
function codeBlocks(text: string): string[] {
  return text.match(/^```(sh|json|http|python|js)\n[^]*?^```$/gm) ?? [];
}

interface Shell {
  readonly output: string;
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** The exit code. */
  ended: Promise<unknown>;
}

/** Runs a command in the clone as a newcomer does, with nothing of this process's own settings; ended with the test. */
function startInShell(t: Closing, command: string, settings: NodeJS.ProcessEnv = {}): Shell {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, HOME, NODE_COMPILE_CACHE, ...settings };
  const child = spawn("sh", ["-c", command], { cwd: root, env, detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => void (output += chunk));
  }
  const ended = once(child, "close").then(([code]) => code as unknown);
  const reaper = createReaper(); // npm passes no signal on
  reaper.watch(child.pid);
  t.after(async () => {
    await reaper.reap();
    await ended;
  });
  return {
    get output() {
      return output;
    },
    async said(pattern) {
      for (;;) {
        const found = pattern.exec(output);
        if (found) return found;
        const isOver = await Promise.race([once(child.stdout, "data"), ended.then(() => "over")]);
        if (isOver === "over" && !pattern.test(output)) throw new Error(`${command} ended:\n${output}`);
      }
    },
    ended,
  };
}
