import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { text } from "../bridge/consumer-kit.ts";
import { createSystem } from "../bridge/system.ts";
import { createBackend } from "../support/backend-server.ts";

const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

test("the Python of docs/configuration.md takes a request's signature for genuine, and no other body's", async (t) => {
  const backend = await createBackend(t);
  const services = [{ name: "shop", "msg-proxy-pass": backend.url, "webhook-secret": secret }];
  const system = await createSystem(t, { bus: "in-process", services });
  await system.wechat("shop").push(text("你好"));
  const [request] = await backend.next();
  const { headers, body } = request ?? assert.fail("no request");
  assert.equal(await isGenuine(headers, body), "True");
  assert.equal(await isGenuine(headers, `${body} `), "False");
});

async function isGenuine(headers: object, body: string): Promise<string> {
  const [, sample = ""] = /^```python\n(key = [^]*?)^```$/m.exec(page) ?? assert.fail("no Python on the page");
  const given = `import base64, hmac, json, sys
secret, headers, body = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3].encode()`;
  const args = ["-c", `${given}\n${sample}\nprint(genuine)`, secret, JSON.stringify(headers), body];
  const { stdout } = await promisify(execFile)("python3", args, { env: { ...process.env, PYTHONUTF8: "1" } });
  return stdout.trim();
}
