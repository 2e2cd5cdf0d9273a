import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import type { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";

const LINES = 5000;
const TEXT = "x".repeat(1000);
const END = `log.info("stopped"); log.flush(() => process.exit(0));`;

/** A process that logs to `stdout`; its `script` has `log` and `lines(count)`, and says on stderr how far it is. */
function startLogging(t: TestContext, script: string, stdout: "pipe" | number = "pipe"): ChildProcess {
  const logModule = new URL("../../shared/log.ts", import.meta.url).href;
  const source = `
    import { once } from "node:events";
    import { createLogger } from ${JSON.stringify(logModule)};
    const log = createLogger();
    let number = 0;
    const lines = (count) => { for (let i = 0; i < count; i++) log.info({ number: number++ }, ${JSON.stringify(TEXT)}); };
    ${script}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["pipe", stdout, "pipe"] });
  t.after(() => {
    child.kill("SIGKILL");
    child.stdout?.destroy(); // which waits to be read, and this process with it
  });
  return child;
}

const readLines = async (stream: Readable | AsyncIterable<Buffer>): Promise<Record<string, unknown>[]> =>
  (await text(stream))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Block by block: a system with other work to do, for more than the 3 s that a process waits for a single block. */
async function* readSlowly(stream: Readable): AsyncGenerator<Buffer> {
  for await (const block of stream) {
    yield block as Buffer;
    await setTimeout(60);
  }
}

test("what a process says last is the last line, and none is missing, however slowly it is read", async (t) => {
  const child = startLogging(t, `lines(${LINES}); setTimeout(() => { ${END} }, 100);`);
  const ended = once(child, "exit");
  const read = await readLines(readSlowly(child.stdout!));
  assert.deepEqual(await ended, [0, null]);
  assert.deepEqual(
    read.slice(0, -1).map((line) => line["number"]),
    Array.from({ length: LINES }, (_, i) => i),
  );
  assert.equal(read.at(-1)?.["msg"], "stopped");
});

test("what somebody else has written commands no terminal, and is read as it was", async (t) => {
  const texts = [`\u001B[2J\n${"\u009B2J".repeat(5000)}`, `好\u0080\u009F\u00A0é😀`, "\u009B".repeat(30_000), "after"];
  const child = startLogging(t, `for (const it of ${JSON.stringify(texts)}) log.info({ it }); ${END}`);
  const said = await text(child.stdout!);
  assert.doesNotMatch(said, /[^\n\P{Cc}]/u);
  assert.deepEqual(
    said.split("\n", texts.length).map((line) => (JSON.parse(line) as { it: string }).it),
    texts,
  );
});

test("without a reader a process goes on, holds no more than 16 MiB of lines, and tells how many are lost", async (t) => {
  const script = `
    for (let i = 0; i < 25; i++) { lines(1000); await new Promise((done) => setTimeout(done, 60)); }
    process.stderr.write("logged");
    await once(process.stdin, "data");
    ${END}`;
  const child = startLogging(t, script);
  const ended = once(child, "exit");
  await once(child.stderr!, "data");
  const reading = readLines(child.stdout!);
  child.stdin!.write("go on");
  const read = await reading;
  assert.deepEqual(await ended, [0, null]);
  const numbers = read.flatMap(({ number }) => (typeof number === "number" ? [number] : []));
  assert.deepEqual(numbers, Array.from(numbers.keys()));
  const bytes = read.reduce((sum, line) => sum + JSON.stringify(line).length + 1, 0);
  assert.ok(bytes > 15 * 1024 * 1024 && bytes < 17 * 1024 * 1024, `${bytes} bytes were held`);
  const lost = read.find(({ msg }) => msg === "log lines lost: stdout was not read in time");
  assert.equal(numbers.length + Number(lost?.["lines"]), 25_000);
});

for (const [what, prepare] of [
  ["whose reader has gone", (child: ChildProcess) => child.stdout!.destroy()],
  ["on a full disk", undefined],
] as const) {
  test(`a stdout ${what} ends no process, and holds none back from ending`, async (t) => {
    const script = `
      process.stderr.write("started");
      await once(process.stdin, "data");
      for (let i = 0; i < 5; i++) { lines(1000); await new Promise((done) => setTimeout(done, 60)); }
      process.stderr.write("goes on");
      ${END}`;
    const full = prepare ? undefined : openSync("/dev/full", "w");
    const child = startLogging(t, script, full);
    if (full !== undefined) closeSync(full);
    const ended = once(child, "exit");
    const said = text(child.stderr!);
    prepare?.(child);
    child.stdin!.write("log");
    assert.deepEqual(await ended, [0, null]);
    assert.equal(await said, "startedgoes on");
  });
}

test("a stdout that is open and never read holds no process back from ending", async (t) => {
  const child = startLogging(t, `lines(${LINES}); setTimeout(() => { process.stderr.write("ends"); ${END} }, 100);`);
  const ended = once(child, "exit");
  assert.equal(await text(child.stderr!), "ends");
  assert.deepEqual(await ended, [null, "SIGKILL"]);
});
