import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openChannel } from "../../bridge/broker-channel.ts";
import { event, text } from "../../bridge/consumer-kit.ts";
import { brokerUrl, createSystem } from "../../bridge/system.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { parseReply } from "../../support/wechat-reply.ts";

const exec = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const tsc = join(root, "node_modules/.bin/tsc");

const program = `import { createConsumer, type Handlers, type PushOf, type Reply } from "wx-bridge/consumer";
const reply: Reply = { type: "news", articles: [{ title: "x" }] };
declare const environment: { url?: string; prefix?: string };
const { url, prefix } = environment;
const consumer = createConsumer({ url, prefix, queue: "shop.clicks" });
consumer
  .on("msg.text", (push, { remaining }): string => push.Content + remaining().toFixed())
  .on("event.channels_ec_order_pay", (push) => {
    const id: number | bigint | string | undefined = push.order_info?.order_id;
    return String(id);
  })
  .on("event.*", async (push) => (push["Anything"] === 1 ? reply : undefined))
  .on("msg.*", async (push) => (push["Anything"] === 1 ? "text" : null));
// @ts-expect-error there is no such reply
consumer.on("msg.text", () => ({ type: "nonsense" }));
// @ts-expect-error there is no such field
consumer.on("msg.text", (push) => push.Contents);
export const setup = (handlers: Handlers) => void handlers.on("#", () => "any");
export type Click = PushOf<"event.CLICK">;
`;

/** A folder as `npm install` leaves it, with wx-bridge as it would be published. */
const app = createTemporaryFolder({ after });
before(async () => {
  const wxBridge = join(app, "node_modules/wx-bridge");
  await mkdir(wxBridge, { recursive: true });
  await exec(tsc, ["-p", join(root, "tsconfig.json"), "--outDir", join(wxBridge, "dist")]);
  await cp(join(root, "package.json"), join(wxBridge, "package.json"));
  await symlink(join(root, "node_modules"), join(wxBridge, "node_modules"));
  await writeFile(join(app, "package.json"), '{ "type": "module" }');
});

test("the package has the kit: its types resolve, and docs/examples/node/kit.mjs runs with it", async (t) => {
  await writeFile(join(app, "program.ts"), program);
  const strict = { strict: true, exactOptionalPropertyTypes: true };
  const settings = { module: "nodenext", target: "es2024", ...strict, noEmit: true, types: [], skipLibCheck: true };
  await writeFile(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions: settings, include: ["program.ts"] }));
  await exec(tsc, ["-p", app]).catch(({ stdout }: { stdout: string }) => assert.fail(stdout));

  await cp(join(root, "docs/examples/node/kit.mjs"), join(app, "kit.mjs"));
  const system = await createSystem(t, { bus: "rabbitmq", services: [{ name: "shop", delivery: "amqp" }] });
  const queue = `${system.prefix}-kit`;
  t.after(async () => void (await (await openChannel(t)).deleteQueue(queue)));
  const env = { ...process.env, AMQP_URL: brokerUrl(), PREFIX: system.prefix, QUEUE: queue };
  const child = spawn(process.execPath, ["kit.mjs"], { cwd: app, env, stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => void child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) if (line === "waiting for pushes") break;
  const wechat = system.wechat("shop");
  assert.equal(parseReply((await wechat.push(text("hello"))).opened)["Content"], "The kit heard: hello");
  assert.equal(parseReply((await wechat.push(event("CLICK"))).opened)["Content"], "The kit was asked for K");
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("the demo of the package tells a command that works from any folder", async (t) => {
  const program = join(app, "node_modules/wx-bridge/dist/cli/wx-bridge.js");
  const env = { PATH: process.env["PATH"], LISTEN_PORT: "0", INTERNAL_LISTEN_PORT: "0" };
  const demo = spawn(process.execPath, [program], { env, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => demo.kill("SIGKILL"));
  let told: string | undefined;
  for await (const line of createInterface({ input: demo.stdout })) {
    told = /^ {2}(.* --text hello)$/.exec(line)?.[1];
    if (told !== undefined) break;
  }
  assert.match((await exec("sh", ["-c", told ?? "false"], { cwd: tmpdir() })).stdout, /CDATA\[hello\]/);
});
